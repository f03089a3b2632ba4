// The records of instances and nodes.
#include <algorithm>

#include "agent/dns/resolution.h"
#include "agent/dns/shuffle.h"

namespace proconsul::agent::dns {
namespace {

constexpr std::size_t kMaxHostRecords = 5;    // to clients without EDNS
constexpr std::size_t kMaxForeignHosts = 64;  // that one question may have looked up

}  // namespace

void Resolution::begin_seeing(std::uint32_t groups) {
  if (resolver.seen_.size() < groups) resolver.seen_.resize(groups);
  if (++resolver.round_ == 0) {  // after four thousand million questions: old marks would count again
    std::fill(resolver.seen_.begin(), resolver.seen_.end(), 0U);
    resolver.round_ = 1;
  }
}

// True the first time in this round.
bool Resolution::see(std::uint32_t group) {
  return std::exchange(resolver.seen_[group], resolver.round_) != resolver.round_;
}

Record Resolution::address_record(const NameRef& owner, std::string_view ip, std::uint32_t ttl) const {
  Record record;
  record.owner = owner;
  record.type = ip.size() == 4 ? kTypeA : kTypeAaaa;
  record.ttl = ttl;
  record.bytes = ip;
  return record;
}

Found Resolution::instance_records(const Lookup& lookup, const ImagePtr& image, const Selection* selection,
                                   std::uint32_t ttl, const Sections& out, bool shuffled) {
  if (!image || !selection) return Found::no_name;
  const std::uint32_t end = settings.only_passing && shuffled ? selection->passing_end : selection->end;
  if (end == selection->begin) return Found::no_name;
  ttl = lookup.ttl.value_or(ttl);
  reply.kept.push_back(image);
  const std::span<const std::uint32_t> chosen(image->order.data() + selection->begin, end - selection->begin);
  if (lookup.type == kTypeSrv) {
    service_records(lookup, *image, chosen, ttl, out, shuffled);
  } else {
    const std::uint32_t distinct =
        selection->addresses[settings.only_passing && shuffled ? 1 : 0][static_cast<std::size_t>(want_of(lookup.type))];
    address_records(lookup, *image, chosen, distinct, ttl, out, shuffled);
  }
  return out.answers.empty() ? Found::no_data : Found::yes;
}

void Resolution::service_records(const Lookup& lookup, const Image& image, std::span<const std::uint32_t> chosen,
                                 std::uint32_t ttl, const Sections& out, bool shuffled) {
  begin_seeing(image.groups);
  const NameRef owner{.head = {}, .tail = lookup.wire};
  Shuffle order(static_cast<std::uint32_t>(chosen.size()), random, resolver.order_);
  for (std::uint32_t i = 0; i < chosen.size(); ++i) {
    const Image::Member& member = image.members[chosen[shuffled ? order.next() : i]];
    if (!see(member.identity)) continue;
    const Instance& instance = *member.instance;
    const Endpoint& endpoint = instance.endpoint(Want::any);
    const NameRef node_name{.head = instance.node_name, .tail = lookup.domain};
    const bool has_node_name = !instance.node_name.empty() && node_name.fits();

    Record service;
    std::string_view ip = endpoint.bytes();
    switch (endpoint.kind) {
      case Endpoint::Kind::none:
        continue;
      case Endpoint::Kind::node:
        if (!has_node_name) continue;
        service.target = node_name;
        break;
      case Endpoint::Kind::address:
        service.target = {.head = endpoint.name, .tail = lookup.domain};
        if (endpoint.name.empty() || !service.target.fits()) continue;
        break;
      case Endpoint::Kind::host:
        if (endpoint.has_node_ip && endpoint.name == lookup.wire) {  // it would point to itself
          if (!has_node_name) continue;
          service.target = node_name;
          ip = {endpoint.node_ip.data(), endpoint.node_v6 ? 16U : 4U};
        } else {
          service.target = {.head = {}, .tail = endpoint.name};
          ip = {};
        }
        break;
    }
    if (out.answers.size() >= lookup.most_answers) {
      reply.more = true;
      return;
    }
    service.owner = owner;
    service.type = kTypeSrv;
    service.ttl = ttl;
    service.data = Record::Data::service;
    service.priority = 1;
    service.weight = instance.weight;
    service.port = instance.port;
    out.answers.push_back(service);
    if (!ip.empty()) {
      out.additional.push_back(address_record(service.target, ip, ttl));
    } else {
      host_records(endpoint.name, lookup.aliases_left, ask.query.edns ? kBufferSize : kMaxHostRecords, ttl,
                   out.additional);
    }
    if (!settings.node_meta_txt || !has_node_name) continue;
    for (const std::string& text : instance.meta) {
      Record record;
      record.owner = node_name;
      record.type = kTypeTxt;
      record.ttl = ttl;
      record.bytes = text;
      out.additional.push_back(record);
    }
  }
}

void Resolution::address_records(const Lookup& lookup, const Image& image, std::span<const std::uint32_t> chosen,
                                 std::uint32_t distinct, std::uint32_t ttl, const Sections& out, bool shuffled) {
  const Want want = want_of(lookup.type);
  const bool has_addresses = answers(false, lookup.type) || answers(true, lookup.type);
  if (!image.has_hosts && (distinct == 0 || !has_addresses)) return;
  begin_seeing(image.groups);
  const NameRef owner{.head = {}, .tail = lookup.wire};
  Shuffle order(static_cast<std::uint32_t>(chosen.size()), random, resolver.order_);
  const Endpoint* alias = nullptr;
  std::size_t given = 0;
  for (std::uint32_t i = 0; i < chosen.size(); ++i) {
    if (!image.has_hosts && given == distinct) return;
    const Image::Member& member = image.members[chosen[shuffled ? order.next() : i]];
    const Endpoint& endpoint = member.instance->endpoint(want);
    std::string_view ip = endpoint.bytes();
    std::uint32_t group = member.group[static_cast<std::size_t>(want)];
    if (endpoint.kind == Endpoint::Kind::host) {
      if (!endpoint.has_node_ip || endpoint.name != lookup.wire) {
        if (alias == nullptr) alias = &endpoint;
        continue;
      }
      group = member.node_group[static_cast<std::size_t>(want)];
      ip = {endpoint.node_ip.data(), endpoint.node_v6 ? 16U : 4U};
    }
    if (group == Image::kNoGroup || !has_addresses || !see(group)) continue;
    if (out.answers.size() >= lookup.most_answers) {
      reply.more = true;
      return;
    }
    out.answers.push_back(address_record(owner, ip, ttl));
    if (++given == settings.a_record_limit) return;
  }
  // An alias must stand alone: it is given only where no instance has an address.
  if (given != 0 || alias == nullptr) return;
  Record record;
  record.owner = owner;
  record.type = kTypeCname;
  record.ttl = ttl;
  record.data = Record::Data::name;
  record.target = {.head = {}, .tail = alias->name};
  out.answers.push_back(record);
  host_records(alias->name, lookup.aliases_left, ask.query.edns ? kBufferSize : kMaxHostRecords, ttl, out.answers);
}

void Resolution::node_record(const catalog::Node& node, std::uint16_t type, const NameRef& owner, int aliases_left,
                             std::optional<std::uint32_t> ttl, std::vector<Record>& out) {
  const std::uint32_t own_ttl = ttl.value_or(settings.node_ttl);
  const NodeAddress address = node_address(settings, node, want_of(type));
  if (address.ip) {
    if (!answers(!address.ip->is_v4(), type)) return;
    const std::string_view ip = reply.keep({reinterpret_cast<const char*>(address.ip->bytes()), address.ip->size()});
    out.push_back(address_record(owner, ip, own_ttl));
    return;
  }
  std::optional<std::string> host = to_name(node.Address);
  if (!host || host->size() == 1) return;
  Record record;
  record.owner = owner;
  record.type = kTypeCname;
  record.ttl = own_ttl;
  record.data = Record::Data::name;
  record.target = {.head = {}, .tail = reply.keep(std::move(*host))};
  out.push_back(record);
  host_records(record.target.tail, aliases_left, kBufferSize, ttl, out);
}

void Resolution::host_records(std::string_view host, int aliases_left, std::size_t most,
                              std::optional<std::uint32_t> ttl, std::vector<Record>& out) {
  auto name = std::make_shared<QuestionName>();
  if (!name->assign(host)) return;
  std::size_t labels = 0;
  const bool ours = name->below(settings.domain.name, settings.domain.labels, labels) ||
                    name->below(settings.alt_domain.name, settings.alt_domain.labels, labels);
  if (ours && labels > 0) {
    if (aliases_left < 1) return;  // a circle
    std::vector<Record> found;
    std::vector<Record> unused;
    reply.kept.push_back(name);
    const Lookup lookup{.name = *name,
                        .type = kTypeAny,
                        .labels = labels,
                        .wire = name->wire(),
                        .domain = name->wire(labels),
                        .aliases_left = aliases_left - 1,
                        .most_answers = kBufferSize,
                        .ttl = ttl};
    const bool more = reply.more;
    (void)dispatch(lookup, {found, unused});
    reply.more = more;
    for (const Record& record : found) {
      if (most == 0) return;
      if (record.type != kTypeCname && record.type != kTypeA && record.type != kTypeAaaa) continue;
      out.push_back(record);
      --most;
    }
    return;
  }
  if (settings.recursors.empty()) return;
  std::string key(host);
  std::transform(key.begin(), key.end(), key.begin(), lower);
  const auto known = externals.hosts.find(key);
  if (known == externals.hosts.end()) {
    if (externals.hosts.size() + wants.hosts.size() < kMaxForeignHosts) wants.hosts.try_emplace(std::move(key), host);
    return;
  }
  for (const ForeignRecord& foreign : known->second) {
    if (most-- == 0) return;
    Record record;
    record.owner = {.head = {}, .tail = foreign.owner};
    record.type = foreign.type;
    record.ttl = foreign.ttl;  // as long as its own server says: with less, resolvers would ask it over and over
    if (foreign.type == kTypeCname) {
      record.data = Record::Data::name;
      record.target = {.head = {}, .tail = foreign.data};
    } else {
      record.bytes = foreign.data;
    }
    out.push_back(record);
  }
}

}  // namespace proconsul::agent::dns
