// DNS messages from clients, through the resolver to their answers, and answers of other servers; replies of every
// shape, cut to what their way allows.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/dns/resolver.h"
#include "agent/dns/test_messages.h"
#include "catalog/prepared_query/prepared_query.h"
#include "catalog/registry/register.h"
#include "catalog/store/store.h"

namespace {

using namespace proconsul;
using namespace proconsul::agent;

void add(catalog::Store& store, std::uint64_t index, const char* node, const char* address, const char* service,
         const char* own_address) {
  catalog::RegisterRequest request;
  request.Datacenter = "dc1";
  request.Node = node;
  request.Address = address;
  request.ID = "12345678-0000-0000-0000-00000000000" + std::to_string(index % 10);
  request.NodeMeta.insert_or_assign("k", "v");
  request.Service.emplace().Service = service;
  request.Service->Address = own_address;
  request.Service->Port = 80;
  request.Service->Tags.push_back("t");
  store.writer().begin_command(index);
  if (!catalog::apply_register(store.writer(), std::move(request))) std::abort();
}

struct World {
  catalog::Store store{};
  dns::Settings settings{};
  dns::Images images{};
  dns::Addresses addresses{};
  dns::Resolver resolver{images, addresses};
  dns::ReplyWriter writer{};
  dns::Reply reply{};
  dns::Wants wants{};
  dns::Query query{};
  std::string out = std::string(dns::kBufferSize, '\0');

  World() {
    add(store, 1, "a", "10.0.0.1", "web", "");
    add(store, 2, "b", "2001:db8::1", "web", "");
    add(store, 3, "c.d", "10.0.0.3", "web", "10.0.0.4");
    add(store, 4, "e", "host.example.com", "web", "web.service.consul");
    add(store, 5, "f", "10.0.0.5", "x", "y.service.consul");
    add(store, 6, "g", "x.service.consul", "y", "");
    add(store, 7, "h", "10.0.0.7", "consul", "");
    catalog::PreparedQuery prepared;
    prepared.ID = "12345678-0000-0000-0000-000000000001";
    prepared.Name = "q";
    prepared.Service.Service = "web";
    store.writer().begin_command(8);
    if (!catalog::query_set(store.writer(), prepared)) std::abort();
    store.commit();
    settings.domain = {.name = *dns::to_name("consul"), .labels = 1};
    settings.alt_domain = {.name = *dns::to_name("alt.test"), .labels = 2};
    settings.datacenter = "dc1";
    settings.max_stale = base::seconds(1);
    settings.udp_answer_limit = 3;
  }

  void ask(std::string_view message, std::uint8_t choice) {
    const dns::Parsed parsed = dns::parse_query(message, query);
    if (parsed == dns::Parsed::ignored) return;
    if (parsed != dns::Parsed::ok) {
      if (dns::write_refusal(parsed, query, out) > dns::kHeaderSize + dns::kMaxName + 4) std::abort();
      return;
    }
    settings.compress = (choice & 2) == 0;
    settings.only_passing = (choice & 4) != 0;
    settings.recursors.resize(choice & 8 ? 1 : 0);
    const auto transport = choice & 1 ? dns::Transport::tcp : dns::Transport::udp;
    const base::Ref<const catalog::View> view = store.view();
    const dns::State state{.tables = view->tables(), .is_leader = true, .last_contact = {}, .now = 1};
    const dns::Ask ask{.query = query, .transport = transport, .seed = choice, .client = {}};
    dns::Externals externals;
    dns::Outcome outcome = resolver.resolve(state, settings, ask, externals, reply, wants);
    if (outcome == dns::Outcome::wanting) {
      for (const auto& [host, spelled] : wants.hosts) {
        externals.hosts[host].push_back({.owner = host, .type = dns::kTypeA, .ttl = 5, .data = "abcd"});
      }
      outcome = resolver.resolve(state, settings, ask, externals, reply, wants);
      if (outcome == dns::Outcome::wanting) std::abort();  // it has got what it wanted
    }
    if (outcome == dns::Outcome::recurse) return;
    const std::size_t size = writer.write(settings, transport, query, reply, true, out);
    if (size < dns::kHeaderSize || size > 65535) std::abort();
    // What we write, others can read.
    if (!dns::read_answers(std::string_view(out).substr(0, size), [](dns::ForeignRecord) {})) std::abort();
  }
};

/// The input as small numbers; zeros behind its end.
class Numbers {
 public:
  explicit Numbers(std::string_view bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  std::size_t next(std::size_t below) {
    const std::size_t value = empty() ? 0 : static_cast<unsigned char>(bytes_.front());
    bytes_.remove_prefix(empty() ? 0 : 1);
    return value % below;
  }
  std::size_t wide() { return next(256) << 8 | next(256); }

 private:
  std::string_view bytes_;
};

/// Any records, many of them by few bytes: answers of one kind, then what stands beside them.
void fill(Numbers& numbers, const dns::Query& query, dns::Reply& reply) {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < 72; ++i) {
      const std::string label((i & 7) * 7 + 1, static_cast<char>('a' + i % 26));
      names.push_back(*dns::to_name(label + std::to_string(i) + ".node.consul"));
    }
    return names;
  }();
  const auto name = [&](std::size_t number) -> dns::NameRef {
    return {.head = {}, .tail = kNames[number % kNames.size()]};
  };
  const std::size_t answers = numbers.next(8) != 0 ? numbers.next(8) : numbers.wide() % 2000;
  const std::uint16_t type = numbers.next(3) == 0 ? dns::kTypeA : dns::kTypeSrv;
  const std::size_t names = numbers.next(64) + 1;
  for (std::size_t i = 0; i < answers; ++i) {
    dns::Record& record = reply.answers.emplace_back();
    record.owner = {.head = {}, .tail = query.name.wire()};
    record.type = type;
    record.bytes = type == dns::kTypeA ? "abcd" : "";
    if (type == dns::kTypeA) continue;
    record.data = dns::Record::Data::service;
    record.target = name(i % names);
  }
  const std::size_t kinds = numbers.next(6);
  for (std::size_t kind = 0; kind < kinds; ++kind) {
    const std::size_t form = numbers.next(3);
    const std::size_t repeats = numbers.next(4) == 0 ? answers : numbers.next(4);
    const std::string_view text =
        reply.keep(std::string(std::max<std::size_t>(numbers.wide() >> numbers.next(16), 1), 't'));
    for (std::size_t i = 0; i < repeats; ++i) {
      dns::Record& record = reply.additional.emplace_back();
      record.owner = name(i);
      record.type = form == 0 ? dns::kTypeA : form == 1 ? dns::kTypeTxt : dns::kTypeCname;
      if (form == 0) record.bytes = "abcd";
      if (form == 1) record.bytes = text;
      if (form != 2) continue;
      record.data = dns::Record::Data::name;
      record.target = name(i + 1);
    }
  }
  reply.more = numbers.next(4) == 0;
  dns::add_edns(query, true, reply);
}

/// Several replies by one writer: what it knows of one must not show in the next.
void write_replies(std::string_view input) {
  static const std::string kQuestion =
      dns::test::message_of({.name = "s.service.consul", .type = dns::kTypeSrv, .edns = 512});
  Numbers numbers(input);
  dns::ReplyWriter writer;
  std::string out(dns::kBufferSize, '\0');
  for (int replies = 0; replies < 6 && !numbers.empty(); ++replies) {
    dns::Query query;
    if (dns::parse_query(kQuestion, query) != dns::Parsed::ok) std::abort();
    const std::size_t choice = numbers.next(256);
    query.edns = (choice & 1) != 0;
    const auto transport = choice & 2 ? dns::Transport::tcp : dns::Transport::udp;
    dns::Settings settings;
    settings.compress = (choice & 4) != 0;
    settings.enable_truncate = (choice & 8) != 0;
    settings.udp_answer_limit = choice >> 4 & 3;
    dns::Reply reply;
    fill(numbers, query, reply);
    // Near the size of the whole is where the cutting decides.
    const std::size_t whole = writer.write(settings, dns::Transport::tcp, query, reply, false, out);
    query.udp_size = static_cast<std::uint16_t>(whole - std::min(whole, numbers.next(256)));
    const std::size_t size = writer.write(settings, transport, query, reply, numbers.next(8) != 0, out);
    const dns::test::Answer answer = dns::test::read_answer(std::string_view(out).substr(0, size));
    if (size > 65535 || !answer.whole || answer.answers.size() > reply.answers.size()) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  if (size == 0) return 0;
  const std::string_view message(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] & 0x80) {
    (void)agent::dns::read_answers(message, [](agent::dns::ForeignRecord) {});
  } else if (data[0] & 0x40) {
    write_replies(message);
  } else {
    world.ask(message, data[0]);
  }
  return 0;
}
