// What a name asks for.
#include "agent/dns/resolver.h"

#include <algorithm>
#include <cstring>

#include "agent/dns/resolution.h"
#include "agent/tokens/readable.h"
#include "base/log.h"
#include "catalog/prepared_query/execution.h"
#include "catalog/query/gateways.h"
#include "catalog/query/instances.h"
#include "catalog/query/nodes.h"
#include "catalog/registry/lookup.h"
#include "catalog/registry/mesh.h"

namespace proconsul::agent::dns {
namespace {

constexpr int kMaxAliases = 3;
constexpr std::size_t kMaxNameServers = 3;
constexpr base::Duration kStale = base::seconds(5);
constexpr std::uint16_t kClientSubnet = 8;
const std::string_view kRoot("\0", 1);

void put16(std::string& out, std::uint16_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value);
}
void put32(std::string& out, std::uint32_t value) {
  put16(out, static_cast<std::uint16_t>(value >> 16));
  put16(out, static_cast<std::uint16_t>(value));
}

bool is_kind(std::string_view label) {
  return label == "service" || label == "connect" || label == "virtual" || label == "ingress" || label == "node" ||
         label == "query" || label == "addr";
}

// What may stand in the name of a name server.
bool is_plain(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '\\';
  });
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

// RFC 6891, RFC 7871
void add_edns(const Query& query, bool everywhere, Reply& reply) {
  if (!query.edns) return;
  Record option;
  option.owner = {.head = {}, .tail = kRoot};
  option.type = kTypeOpt;
  option.klass = query.udp_size;
  if (query.has_subnet) {
    const Subnet& subnet = query.subnet;
    const bool negative = reply.rcode == kNameError || reply.rcode == kServerFailure || reply.rcode == kRefused ||
                          reply.rcode == kNotImplemented;
    std::string data;
    const std::size_t bytes = (subnet.source + 7U) / 8;
    put16(data, kClientSubnet);
    put16(data, static_cast<std::uint16_t>(4 + bytes));
    put16(data, subnet.family);
    data += static_cast<char>(subnet.source);
    data += static_cast<char>(everywhere || negative ? 0 : subnet.source);
    for (std::size_t i = 0; i < bytes; ++i) {
      const unsigned bits = std::min<unsigned>(subnet.source - static_cast<unsigned>(i) * 8, 8);
      data += static_cast<char>(subnet.address[i] & (0xffU << (8 - bits)));
    }
    option.bytes = reply.keep(std::move(data));
  }
  reply.additional.push_back(option);
}

Outcome Resolver::resolve(const State& state, const Settings& settings, const Ask& ask, const Externals& externals,
                          Reply& reply, Wants& wants) {
  reply.clear();
  wants.hosts.clear();
  wants.remote.clear();
  stale_ = reverse_ = false;
  Resolution resolution{.resolver = *this,
                        .state = state,
                        .settings = settings,
                        .ask = ask,
                        .externals = externals,
                        .reply = reply,
                        .wants = wants,
                        .random = base::SeededRandom(ask.seed)};
  const Outcome outcome = resolution.run();
  reverse_ = reverse_ && outcome != Outcome::wanting;
  return outcome;
}

// The zone of the longest name that the question is below; DS asks for the parent, and so for the shortest.
bool Resolution::find_zone(bool& arpa, bool& served) const {
  static const Zone kArpa{.name = std::string("\4arpa\0", 6), .labels = 1};
  std::size_t best = 0;
  served = false;
  for (const Zone* zone : {&settings.domain, &settings.alt_domain, &kArpa}) {
    std::size_t label = 0;
    if (!ask.query.name.below(zone->name, zone->labels, label)) continue;
    const bool better = ask.query.type == kTypeDs ? zone->labels < best : zone->labels > best;
    if (served && !better) continue;
    served = true;
    best = zone->labels;
    arpa = zone == &kArpa;
  }
  return served && !(ask.query.type == kTypeDs && !settings.recursors.empty());
}

Outcome Resolution::run() {
  bool arpa = false;
  bool served = false;
  if (!ask.query.has_question || !find_zone(arpa, served)) {
    if (ask.query.has_question && !settings.recursors.empty()) return Outcome::recurse;
    reply.authoritative = false;
    reply.rcode = kRefused;
    return Outcome::answered;
  }
  if (arpa) {
    resolver.reverse_ = true;
    return answer_reverse();
  }
  answer_zone();
  return wants.empty() ? Outcome::answered : Outcome::wanting;
}

// The longest of our domains that the question is below, as it spells it.
std::string_view Resolution::response_domain(std::size_t& labels) const {
  std::size_t domain = 0;
  std::size_t alt = 0;
  const bool below = ask.query.name.below(settings.domain.name, settings.domain.labels, domain);
  const bool below_alt = ask.query.name.below(settings.alt_domain.name, settings.alt_domain.labels, alt);
  labels = below && below_alt ? std::min(domain, alt) : below_alt ? alt : domain;
  return ask.query.name.wire(labels);
}

void Resolution::answer_zone() {
  bool everywhere = true;
  std::size_t labels = 0;
  const std::string_view domain = response_domain(labels);
  switch (ask.query.type) {
    case kTypeSoa:
      reply.answers.push_back(authority_record());
      name_servers(reply.authorities, reply.additional);
      break;
    case kTypeNs:
      name_servers(reply.answers, reply.additional);
      break;
    case kTypeAxfr:
      reply.rcode = kNotImplemented;
      break;
    default: {
      const Lookup lookup{.name = ask.query.name,
                          .type = ask.query.type,
                          .labels = labels,
                          .wire = ask.query.name.wire(),
                          .domain = domain,
                          .aliases_left = kMaxAliases,
                          .most_answers = most_answers(settings, ask.transport, ask.query)};
      const Found found = dispatch(lookup, {reply.answers, reply.additional});
      if (found == Found::no_name) reply.rcode = kNameError;
      if (found == Found::failed) reply.rcode = kServerFailure;
      if (found == Found::no_name || found == Found::no_data) add_authority();
      everywhere = !only_for_subnet;
    }
  }
  add_edns(ask.query, everywhere, reply);
}

// ---- the zone itself ----

Record Resolution::authority_record() {
  // The alternate domain counts only in small letters and below it, as Consul has it.
  std::size_t label = 0;
  const bool alt = ask.query.name.below(settings.alt_domain.name, settings.alt_domain.labels, label) && label > 0 &&
                   ask.query.name.wire(label) == settings.alt_domain.name;
  const std::string& domain = alt ? settings.alt_domain.name : settings.domain.name;
  static const std::string kNameServer("\2ns");
  static const std::string kMailbox("\12hostmaster");
  std::string numbers;
  put32(numbers, static_cast<std::uint32_t>(state.now));
  for (const std::uint32_t number :
       {settings.soa.refresh, settings.soa.retry, settings.soa.expire, settings.soa.min_ttl}) {
    put32(numbers, number);
  }
  Record record;
  record.owner = {.head = {}, .tail = domain};
  record.type = kTypeSoa;
  record.ttl = settings.soa.min_ttl;
  record.data = Record::Data::authority;
  record.target = {.head = kNameServer, .tail = domain};
  record.mailbox = {.head = kMailbox, .tail = domain};
  record.bytes = reply.keep(std::move(numbers));
  return record;
}

void Resolution::add_authority() {
  reply.authorities.push_back(authority_record());
}

// Up to three servers of the cluster, as name servers of the zone, and their addresses.
void Resolution::name_servers(std::vector<Record>& names, std::vector<Record>& glue) {
  std::size_t labels = 0;
  const std::string_view domain = response_domain(labels);
  std::string small(domain);
  std::transform(small.begin(), small.end(), small.begin(), lower);
  const std::string_view domain_name = reply.keep(std::move(small));
  if (state.refused) return;
  if (!fresh_enough(settings.allow_stale)) {
    const Remote servers = remote({.kind = RemoteKey::Kind::servers,
                                   .name = std::string(catalog::kConsulServiceName),
                                   .datacenter = settings.datacenter});
    if (servers.answer == nullptr) return;
    std::vector<std::uint32_t> order(servers.answer->nodes.size());
    for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    for (const std::uint32_t i : order) {
      if (names.size() == kMaxNameServers) return;
      (void)name_server(servers.answer->nodes[i], domain, domain_name, names, glue);
    }
    return;
  }
  const ImagePtr image = resolver.images_.get(
      state.tables, settings,
      {.service = catalog::kConsulServiceName, .peer = {}, .connect = false, .datacenter = settings.datacenter},
      state.who);
  if (!image) return;
  reply.kept.push_back(image);
  const std::uint32_t count = settings.only_passing ? image->all.passing_end : image->all.end;
  std::vector<std::uint32_t> order(image->order.begin(), image->order.begin() + count);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  std::size_t given = 0;
  for (const std::uint32_t i : order) {
    if (given == kMaxNameServers) return;
    const catalog::StoredService service = image->members[image->order[i]].row->service().get();
    const catalog::NodeRow* row = catalog::find_node(state.tables, service.Node);
    if (row == nullptr) continue;
    if (name_server(row->get(), domain, domain_name, names, glue)) ++given;
  }
}

bool Resolution::name_server(const catalog::Node& node, std::string_view domain, std::string_view domain_name,
                             std::vector<Record>& names, std::vector<Record>& glue) {
  std::string name = node_labels(node);
  if (!is_plain(node.Node) || name.empty()) return false;
  std::transform(name.begin(), name.end(), name.begin(), lower);
  const NameRef server{.head = reply.keep(std::move(name)), .tail = domain_name};
  if (!server.fits()) return false;
  Record record;
  record.owner = {.head = {}, .tail = domain};
  record.type = kTypeNs;
  record.ttl = settings.node_ttl;
  record.data = Record::Data::name;
  record.target = server;
  names.push_back(record);
  node_record(node, kTypeAny, server, kMaxAliases, {}, glue);
  return true;
}

// ---- consistency ----

// Whether this server's copy of the state may be shown. A copy that may not for its age may still be what a cache
// would hold.
bool Resolution::fresh_enough(bool stale_allowed) {
  if (!state.has_data) return false;
  if (state.is_leader) return true;
  const base::Duration age = state.last_contact;
  const bool known = age.nanoseconds >= 0;
  if (stale_allowed && known && age <= settings.max_stale) {
    resolver.stale_ = age > kStale;
    return true;
  }
  const bool any_age = settings.cache_max_age.nanoseconds == 0;
  return settings.use_cache && known && (any_age || age <= settings.cache_max_age);
}

// ---- names ----

Found Resolution::dispatch(const Lookup& lookup, const Sections& out) {
  for (std::size_t i = lookup.labels; i-- > 0;) {
    const std::string_view label = lookup.name.text(i);
    if (is_kind(label)) {
      if (i == 0) return Found::no_name;
      if (label == "addr") return address_names(lookup, i, out);
      if (label == "service") return service_names(lookup, i, i + 1, out);
      if (label == "node") return node_names(lookup, i, out);
      if (label == "virtual") return virtual_names(lookup, i, out);
      if (label == "query") return prepared_names(lookup, i, out);
      return mesh_names(lookup, i, label == "ingress", out);
    }
    // The word "service" may be missing: _web._tcp.consul
    if (lookup.type != kTypeSrv || !label.starts_with('_')) continue;
    return service_names(lookup, i + 1, i + 1, out);
  }
  return Found::no_name;
}

// What stands between the kind and the domain: nothing, "<dc or peer>", "<dc>.dc", "<peer>.peer", the latter also
// twice.
bool Resolution::parse_place(const Lookup& lookup, std::size_t first, Place& place) const {
  const std::size_t count = lookup.labels - first;
  if (count == 1) place.either = lookup.name.text(first);
  if (count == 0 || count == 1) return true;
  if (count != 2 && count != 4) return false;
  for (std::size_t i = first; i < lookup.labels; i += 2) {
    const std::string_view word = lookup.name.text(i + 1);
    if (word == "dc") {
      place.datacenter = lookup.name.text(i);
    } else if (word == "peer") {
      place.peer = lookup.name.text(i);
    } else {
      return false;
    }
  }
  return place.datacenter.empty() || place.peer.empty();
}

bool Resolution::reads_service(std::string_view service, std::string_view peer) const {
  if (state.who == nullptr) return true;
  const tokens::Who& who = *state.who;
  if (!peer.empty()) return who->may_read_imported(acl::Resource::service);
  return who->allows(acl::Resource::service, service, acl::Access::read);
}

Found Resolution::service_names(const Lookup& lookup, std::size_t end, std::size_t suffix, const Sections& out) {
  Place place;
  if (!parse_place(lookup, suffix, place)) return Found::no_name;
  std::string_view service = lookup.name.text(end - 1);
  std::string_view tag = lookup.name.text(0, end - 1);
  if (end == 2 && service.starts_with('_') && tag.starts_with('_')) {  // RFC 2782: _service._tag
    const std::string_view first = tag.substr(1);
    tag = service.substr(1);
    if (tag == "tcp") tag = {};
    service = first;
  }
  ServiceKey key{.service = service, .peer = place.peer, .connect = false, .datacenter = {}};
  const std::string_view asked = place.peer.empty() ? place.datacenter_or(settings.datacenter) : settings.datacenter;
  if (asked != settings.datacenter || !fresh_enough(settings.allow_stale)) {
    return remote_instances(lookup,
                            {.kind = RemoteKey::Kind::instances,
                             .name = std::string(service),
                             .datacenter = std::string(asked),
                             .peer = std::string(place.peer),
                             .tag = std::string(tag)},
                            out);
  }
  // A name such as _._tcp has no service.
  if (state.refused || service.empty()) return Found::failed;
  if (place.peer.empty()) key.datacenter = settings.datacenter;
  const ImagePtr image = resolver.images_.get(state.tables, settings, key, state.who);
  if (!image) return Found::no_name;
  return instance_records(lookup, image, tag.empty() ? &image->all : image->with_tag(tag),
                          settings.service_ttl(service), out, true);
}

Found Resolution::mesh_names(const Lookup& lookup, std::size_t end, bool ingress, const Sections& out) {
  Place place;
  if (!parse_place(lookup, end + 1, place)) return Found::no_name;
  const std::string_view service = lookup.name.text(end - 1);
  const std::string_view asked = place.datacenter_or(settings.datacenter);
  if (asked != settings.datacenter || !fresh_enough(settings.allow_stale)) {
    return remote_instances(lookup,
                            {.kind = RemoteKey::Kind::instances,
                             .name = std::string(service),
                             .datacenter = std::string(asked),
                             .connect = !ingress,
                             .ingress = ingress},
                            out);
  }
  if (state.refused || !reads_service(service, {})) return Found::failed;
  ImagePtr image;
  if (ingress ||
      !catalog::gateways_of_service(state.tables, service, catalog::kKindTerminatingGateway, nullptr).rows.empty()) {
    // Which gateways lead to a service changes without the gateways: nothing is kept of this.
    const catalog::InstancesAnswer found =
        ingress ? catalog::health_ingress(state.tables, service, nullptr)
                : catalog::health_instances(state.tables, {.service = service, .connect = true}, nullptr);
    ImageBuilder builder;
    for (const catalog::InstanceRow* row : found.rows) {
      if (state.who != nullptr && !tokens::is_readable(*state.who, *row)) continue;
      const auto health = catalog::health(state.tables, *row);
      if (health == catalog::InstanceRow::Health::critical) continue;
      auto instance = std::make_shared<const Instance>(
          make_instance(settings, catalog::check_service_node(state.tables, *row), settings.datacenter));
      builder.add(std::move(instance), row, health == catalog::InstanceRow::Health::passing, {});
    }
    image = builder.build();
  } else {
    image = resolver.images_.get(state.tables, settings,
                                 {.service = service, .peer = {}, .connect = true, .datacenter = settings.datacenter},
                                 state.who);
  }
  return instance_records(lookup, image, image ? &image->all : nullptr, settings.service_ttl(service), out, true);
}

Found Resolution::node_names(const Lookup& lookup, std::size_t end, const Sections& out) {
  Place place;
  if (!parse_place(lookup, end + 1, place)) return Found::no_name;
  const std::uint16_t type = lookup.type;
  if (type != kTypeAny && type != kTypeA && type != kTypeAaaa && type != kTypeTxt) return Found::yes;
  const std::string_view asked = place.peer.empty() ? place.datacenter_or(settings.datacenter) : settings.datacenter;
  if (asked != settings.datacenter || !fresh_enough(settings.allow_stale)) {
    const Remote there = remote({.kind = RemoteKey::Kind::node,
                                 .name = std::string(lookup.name.text(0, end)),
                                 .datacenter = std::string(asked),
                                 .peer = std::string(place.peer)});
    if (there.answer != nullptr) node_records(lookup, there.answer->nodes.front(), out);
    return there.found;
  }
  if (state.refused) return Found::failed;
  const catalog::NodeRow* row = catalog::find_node_by_name_or_id(state.tables, lookup.name.text(0, end), place.peer);
  if (row == nullptr || (state.who != nullptr && !tokens::is_readable(*state.who, *row))) return Found::no_name;
  node_records(lookup, row->get(), out);
  return Found::yes;
}

void Resolution::node_records(const Lookup& lookup, const catalog::Node& node, const Sections& out) {
  const std::uint16_t type = lookup.type;
  const NameRef owner{.head = {}, .tail = lookup.wire};
  if (type != kTypeTxt) node_record(node, type, owner, lookup.aliases_left, lookup.ttl, out.answers);
  const bool in_answer = type == kTypeTxt || type == kTypeAny;
  if (!in_answer && !settings.node_meta_txt) return;
  for (std::string& text : meta_records(node)) {
    Record record;
    record.owner = owner;
    record.type = kTypeTxt;
    record.ttl = node_ttl(lookup);
    record.bytes = reply.keep(std::move(text));
    (in_answer ? out.answers : out.additional).push_back(record);
  }
}

Found Resolution::virtual_names(const Lookup& lookup, std::size_t end, const Sections& out) {
  Place place;
  if (!parse_place(lookup, end + 1, place)) return Found::no_name;
  const std::string_view peer = place.peer.empty() ? place.either : place.peer;
  const std::string service(lookup.name.text(end - 1));
  std::string address;
  if (state.refused || !reads_service(service, peer)) return Found::failed;
  if (fresh_enough(false)) {
    address = catalog::virtual_ip_of(state.tables, {.ServiceName = {service}, .Peer = std::string(peer)});
  } else {
    const Remote there = remote({.kind = RemoteKey::Kind::virtual_address,
                                 .name = service,
                                 .datacenter = settings.datacenter,
                                 .peer = std::string(peer)});
    if (there.answer == nullptr) return there.found;
    address = there.answer->text;
  }
  const std::optional<config::Ip> ip = config::Ip::parse(address);
  if (!ip || !ip->is_v4()) return Found::yes;
  // Whatever the type of the question; and the owner's labels are in small letters.
  std::string name(lookup.wire.substr(0, lookup.wire.size() - lookup.domain.size()));
  std::transform(name.begin(), name.end(), name.begin(), lower);
  const NameRef owner{.head = reply.keep(std::move(name)), .tail = lookup.domain};
  const std::string_view bytes = reply.keep({reinterpret_cast<const char*>(ip->bytes()), ip->size()});
  out.answers.push_back(address_record(owner, bytes, node_ttl(lookup)));
  return Found::yes;
}

Found Resolution::address_names(const Lookup& lookup, std::size_t end, const Sections& out) {
  const std::string_view digits = lookup.name.text(0);
  // An odd last digit makes it no number in hexadecimal.
  if (end != 1 || (digits.size() != 8 && digits.size() != 32)) return Found::no_name;
  std::string bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const int high = hex_digit(digits[i]);
    const int low = hex_digit(digits[i + 1]);
    if (high < 0 || low < 0) return Found::no_name;
    bytes += static_cast<char>(high << 4 | low);
  }
  std::string name(lookup.wire.substr(0, lookup.wire.size() - lookup.domain.size()));
  std::transform(name.begin(), name.end(), name.begin(), lower);
  const NameRef owner{.head = reply.keep(std::move(name)), .tail = lookup.domain};
  const Record record = address_record(owner, reply.keep(std::move(bytes)), node_ttl(lookup));
  (lookup.type == record.type || lookup.type == kTypeAny ? out.answers : out.additional).push_back(record);
  return Found::yes;
}

Found Resolution::prepared_names(const Lookup& lookup, std::size_t end, const Sections& out) {
  only_for_subnet = true;
  const std::size_t after = end + 1;
  if (lookup.labels - after > 1) return Found::no_name;
  const std::string_view datacenter = lookup.labels == after ? settings.datacenter : lookup.name.text(after);
  std::string_view name = lookup.name.text(0, end);
  if (end >= 2 && lookup.name.text(0).starts_with('_') && lookup.name.text(end - 1).starts_with('_')) {
    name = lookup.name.text(0, end - 1).substr(1);  // RFC 2782: the protocol does not matter
  }
  const Subnet& subnet = ask.query.subnet;
  const std::string source_ip = ask.query.has_subnet
                                    ? config::Ip::from_bytes(subnet.address.data(), subnet.family != 2).to_string()
                                    : ask.client.to_string();
  if (datacenter != settings.datacenter || !fresh_enough(settings.allow_stale)) {
    return remote_query(lookup, name, datacenter, source_ip, out);
  }
  // A query may bring a token of its own: the RPC method knows which one counts.
  if (state.who != nullptr || state.refused) return remote_query(lookup, name, datacenter, source_ip, out);
  const base::Result<std::optional<catalog::QueryExecution>> execution =
      catalog::QueryExecution::start(state.tables, name,
                                     {.datacenter = settings.datacenter,
                                      .node = settings.node_name,
                                      .source_ip = source_ip,
                                      .sort_by_distance = settings.sort_by_distance},
                                     random);
  if (!execution) return Found::failed;
  if (!*execution) return Found::no_name;
  const catalog::QueryResult& result = (*execution)->result();
  // Nobody is healthy here, and the query says who may be elsewhere: who asks there is its RPC method.
  const catalog::QueryFailoverOptions& failover = (*execution)->query().Service.Failover;
  if (result.rows.empty() && state.asks_others &&
      (failover.NearestN > 0 || !failover.Datacenters.empty() || !failover.Targets.empty())) {
    return remote_query(lookup, name, datacenter, source_ip, out);
  }
  const std::uint32_t ttl = query_ttl(result.service, result.dns.TTL);
  // The result is in order, and mostly few of it are needed: more are prepared only where addresses are the same.
  const std::size_t answers = out.answers.size();
  const std::size_t additional = out.additional.size();
  for (std::size_t count = lookup.most_answers + 1;; count *= 4) {
    ImageBuilder builder;
    for (std::size_t i = 0; i < std::min(count, result.rows.size()); ++i) {
      const catalog::InstanceRow* row = result.rows[i];
      builder.add(std::make_shared<const Instance>(
                      make_instance(settings, catalog::check_service_node(state.tables, *row), result.datacenter)),
                  row, true, {});
    }
    const ImagePtr image = builder.build();
    const Found found = instance_records(lookup, image, &image->all, ttl, out, false);
    if (count >= result.rows.size() || reply.more) return found;
    out.answers.resize(answers);
    out.additional.resize(additional);
  }
}

// ---- reverse ----

Outcome Resolution::answer_reverse() {
  const QuestionName& name = ask.query.name;
  if (ask.query.type == kTypeSoa) add_authority();
  std::string owner_name;
  if (state.refused) {
    // Nothing is shown.
  } else if (fresh_enough(settings.allow_stale)) {
    owner_name = resolver.addresses_.name_of(state.tables, name, state.who);
  } else if (const std::optional<config::Ip> ip = address_of(name); ip && state.asks_others) {
    const Remote there =
        remote({.kind = RemoteKey::Kind::reverse, .name = ip->to_string(), .datacenter = settings.datacenter});
    if (!wants.empty()) return Outcome::wanting;
    if (there.answer != nullptr) owner_name = there.answer->text;
  }
  if (owner_name.empty()) {
    if (!settings.recursors.empty()) return Outcome::recurse;
    reply.rcode = kNameError;
    add_authority();
  } else {
    Record record;
    record.owner = {.head = {}, .tail = name.wire()};
    record.type = kTypePtr;
    record.data = Record::Data::name;
    record.target = {.head = reply.keep(std::move(owner_name)), .tail = settings.domain.name};
    reply.answers.push_back(record);
  }
  add_edns(ask.query, true, reply);
  return Outcome::answered;
}

}  // namespace proconsul::agent::dns
