// What is answered of look-ups that other servers carry out.
#include <algorithm>

#include "agent/dns/resolution.h"

namespace proconsul::agent::dns {
namespace {

constexpr std::size_t kMostRemote = 16;  // that one question may need

Found found_of(RemoteAnswer::Outcome outcome) {
  switch (outcome) {
    case RemoteAnswer::Outcome::found:
      return Found::yes;
    case RemoteAnswer::Outcome::no_name:
      return Found::no_name;
    case RemoteAnswer::Outcome::failed:
      break;
  }
  return Found::failed;
}

}  // namespace

Resolution::Remote Resolution::remote(RemoteKey key) {
  if (!state.asks_others) {
    // An unknown datacenter; or this one, of which nothing may be shown.
    return {.found = key.datacenter == settings.datacenter ? Found::failed : Found::no_name};
  }
  key.token = state.token;
  const auto known = externals.remote.find(key);
  if (known == externals.remote.end()) {
    const bool asked = std::ranges::find(wants.remote, key) != wants.remote.end();
    if (!asked && externals.remote.size() + wants.remote.size() < kMostRemote) wants.remote.push_back(std::move(key));
    return {.found = Found::failed};  // until the answer is there, and the question is resolved once more
  }
  const RemoteAnswer& answer = *known->second;
  resolver.stale_ |= answer.stale;
  const Found found = found_of(answer.outcome);
  return {.found = found, .answer = found == Found::yes ? &answer : nullptr};
}

Found Resolution::remote_instances(const Lookup& lookup, RemoteKey key, const Sections& out) {
  const std::uint32_t ttl = settings.service_ttl(key.name);
  const auto [found, answer] = remote(std::move(key));
  if (answer == nullptr) return found;
  return instance_records(lookup, answer->image, &answer->image->all, ttl, out, true);
}

Found Resolution::remote_query(const Lookup& lookup, std::string_view name, std::string_view datacenter,
                               const std::string& source, const Sections& out) {
  const auto [found, answer] = remote({.kind = RemoteKey::Kind::query,
                                       .name = std::string(name),
                                       .datacenter = std::string(datacenter),
                                       .source = source});
  if (answer == nullptr) return found;
  return instance_records(lookup, answer->image, &answer->image->all, query_ttl(answer->service, answer->ttl), out,
                          false);
}

std::uint32_t Resolution::query_ttl(std::string_view service, const std::string& ttl) const {
  if (ttl.empty()) return settings.service_ttl(service);
  const base::Result<base::Duration> parsed = base::parse_duration(ttl);
  return parsed ? static_cast<std::uint32_t>(parsed->nanoseconds / 1'000'000'000) : 0;
}

}  // namespace proconsul::agent::dns
