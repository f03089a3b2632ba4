// DNS messages from clients, through the resolver to their answers, and answers of other servers.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "agent/dns/resolver.h"
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
      for (const std::string& host : wants.hosts) {
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  if (size == 0) return 0;
  const std::string_view message(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] & 0x80) {
    (void)agent::dns::read_answers(message, [](agent::dns::ForeignRecord) {});
  } else {
    world.ask(message, data[0]);
  }
  return 0;
}
