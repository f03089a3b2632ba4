// Whom a service calls and who calls it, by what proxies and gateways name, by discovery chains and by intentions: the
// query behind /v1/internal/ui/service-topology. See instances.h for what answers have in common.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/watch.h"
#include "catalog/query/instances.h"
#include "catalog/store/tables.h"
#include "catalog/types/intention.h"

namespace proconsul::catalog {

/// Why a service is among those of another one.
namespace topology_source {
inline constexpr std::string_view kRegistration = "proxy-registration";  // a proxy or gateway names it
inline constexpr std::string_view kSpecificIntention = "specific-intention";
inline constexpr std::string_view kWildcardIntention = "wildcard-intention";
inline constexpr std::string_view kDefaultAllow = "default-allow";
inline constexpr std::string_view kRoutingConfig = "routing-config";  // it is named, but only entries know it
}  // namespace topology_source

/// The others on one side. A service may be known by name without instances.
struct TopologySide {
  std::vector<const InstanceRow*> rows{};           // with the proxies, each once
  base::Map<IntentionDecisionSummary> decisions{};  // by service
  base::Map<std::string> sources{};                 // by service
};

struct ServiceTopology {
  std::uint64_t index{};
  std::string protocol{};
  bool transparent{};  // all its proxies are
  TopologySide upstreams{};
  TopologySide downstreams{};
};

struct TopologyQuery {
  std::string service{};
  std::string kind{};          // typical (empty), ingress-gateway or api-gateway
  std::string datacenter{};    // where discovery chains are looked at
  bool default_allow = false;  // what holds without an intention
};
/// An error: another kind, an API gateway to which nothing is bound, or what is wrong with a discovery chain.
base::Result<ServiceTopology> service_topology(const Tables& tables, const TopologyQuery& query, base::KeySet* watch);

}  // namespace proconsul::catalog
