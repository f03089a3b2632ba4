#include "agent/xds/delta_session.h"

#include <cstdio>
#include <utility>

namespace proconsul::agent::xds {

namespace {

struct Step {
  Kind kind;
  bool puts, removes;
};
// Clusters and their endpoints come before what leads to them, and go after it.
constexpr Step kOrder[] = {
    {Kind::secret, true, false},   {Kind::cluster, true, false}, {Kind::endpoint, true, false},
    {Kind::listener, true, true},  {Kind::route, true, true},    {Kind::cluster, false, true},
    {Kind::endpoint, false, true}, {Kind::secret, false, true},
};

// Whoever has no token yet, or none that is good for anything, may name resources, too.
constexpr std::size_t kMostNamed = std::size_t{16} << 20;
constexpr std::size_t kName = 64;  // that one takes beside its letters

}  // namespace

DeltaSession::Heard DeltaSession::take(const DeltaDiscoveryRequest& request) {
  const std::optional<Kind> kind = kind_of(request.type_url);
  if (!kind) return Heard::something;
  Type& type = of(*kind);
  const bool first = !std::exchange(type.asked_for, true);
  if (first) type.everything = request.resource_names_subscribe.empty();
  if (!request.response_nonce.empty()) {
    const auto sent = type.sent.find(request.response_nonce);
    if (request.error_detail) {
      if (sent != type.sent.end()) type.sent.erase(sent);
      return Heard::refusal;
    }
    if (sent != type.sent.end()) {
      for (auto& [name, version] : sent->second) {
        if (version) {
          type.versions.insert_or_assign(name, std::move(*version));
        } else {
          type.versions.erase(name);
        }
      }
      type.answered = true;
      type.sent.erase(sent);
    }
  }
  if (first) {
    // Of a stream that is the continuation of another one.
    for (const auto& [name, version] : request.initial_resource_versions) {
      named_ += kName + name.size() + version.size();
      if (named_ > kMostNamed) return Heard::too_much;
      type.versions.insert_or_assign(name, version);
      if (!type.everything) add_name(type, name);
    }
  }
  if (type.everything) return Heard::something;
  for (const std::string& name : request.resource_names_subscribe) {
    subscribe(*kind, name);
    if (named_ > kMostNamed) return Heard::too_much;
  }
  for (const std::string& name : request.resource_names_unsubscribe) {
    if (type.names.erase(name) > 0) named_ -= kName + name.size();
  }
  return Heard::something;
}

void DeltaSession::add_name(Type& type, const std::string& name) {
  if (type.names.insert(name).second) named_ += kName + name.size();
}

/// Whoever subscribes again may have lost what he had: it is sent again.
void DeltaSession::subscribe(Kind kind, const std::string& name) {
  Type& type = of(kind);
  add_name(type, name);
  if (const auto had = type.versions.find(name); had != type.versions.end()) had->second.clear();
  if (kind == Kind::cluster && clusters_sent_.contains(name)) endpoints_lost(name);
}

/// Envoy drops a cluster's endpoints when it is given the cluster anew, and asks for them only if it is the first time.
void DeltaSession::endpoints_lost(const std::string& cluster) {
  Type& endpoints = of(Kind::endpoint);
  if (!endpoints.wants(cluster)) return;
  if (const auto had = endpoints.versions.find(cluster); had != endpoints.versions.end()) had->second.clear();
  for (auto& [nonce, changes] : endpoints.sent) changes.erase(cluster);
}

std::vector<DeltaDiscoveryResponse> DeltaSession::updates(const Resources& resources) {
  std::vector<DeltaDiscoveryResponse> responses;
  for (const Step& step : kOrder) {
    const bool leads = step.kind == Kind::listener || step.kind == Kind::route;
    if (leads && (has_unanswered(Kind::cluster) || has_unanswered(Kind::endpoint))) break;
    std::optional<DeltaDiscoveryResponse> response = update(resources, step.kind, step.puts, step.removes);
    if (response) responses.push_back(std::move(*response));
  }
  return responses;
}

DeltaSession::Changes DeltaSession::changes(const Type& type, const Resources::ByName& now) {
  Changes changes;
  for (const auto& [name, version] : type.versions) {
    if (!type.wants(name)) continue;
    if (const auto found = now.find(name); found != now.end()) {
      if (found->second.version != version) changes.emplace(name, found->second.version);
    } else if (type.everything) {
      changes.emplace(name, std::nullopt);
    }
  }
  const auto add = [&](const std::string& name, const Resource& resource) {
    if (!type.versions.contains(name)) changes.emplace(name, resource.version);
  };
  if (type.everything) {
    for (const auto& [name, resource] : now) add(name, resource);
  } else {
    for (const std::string& name : type.names) {
      if (const auto found = now.find(name); found != now.end()) add(name, found->second);
    }
  }
  return changes;
}

std::optional<DeltaDiscoveryResponse> DeltaSession::update(const Resources& resources, Kind kind, bool puts,
                                                           bool removes) {
  Type& type = of(kind);
  if (!type.asked_for || !type.sent.empty()) return std::nullopt;
  const Resources::ByName& now = resources.of(kind);
  // None of a kind means that they are not known yet.
  if (now.empty() && !resources.may_be_empty[static_cast<std::size_t>(kind)]) return std::nullopt;

  DeltaDiscoveryResponse response;
  response.type_url = type_url(kind);
  Changes sent;
  for (auto& [name, version] : changes(type, now)) {
    if (!version) {
      if (!removes) continue;
      response.removed_resources.push_back(name);
    } else {
      if (!puts) continue;
      Any body{.type_url = std::string(type_url(kind)), .value = base::Bytes(*now.find(name)->second.body)};
      response.resources.push_back({.version = *version, .resource = std::move(body), .name = name});
    }
    sent.emplace(name, std::move(version));
  }
  // Who has had no answer yet gets one, be it empty.
  if (sent.empty() && type.answered) return std::nullopt;
  char nonce[17];
  std::snprintf(nonce, sizeof nonce, "%08llx", static_cast<unsigned long long>(++nonce_));
  response.nonce = nonce;
  if (kind == Kind::cluster) {
    for (const auto& [name, version] : sent) {
      clusters_sent_.insert(name);
      endpoints_lost(name);
    }
  }
  type.sent.emplace(response.nonce, std::move(sent));
  return response;
}

}  // namespace proconsul::agent::xds
