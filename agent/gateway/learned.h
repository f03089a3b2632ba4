// What a gateway learns from an agent's answers, and the topology that follows from it. Pure.
#pragma once

#include <string>

#include "agent/watch/types.h"
#include "base/type.h"
#include "catalog/types/config_chain.h"
#include "catalog/types/service.h"
#include "wanfed/gateway/routes.h"

namespace proconsul::agent::gateway {

/// Of /v1/agent/self, as much as counts here.
struct OwnSettings {
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(OwnSettings)
struct OwnDetails {
  std::string DNSDomain{};
};
PROCONSUL_DECLARE_TYPE(OwnDetails)
struct Self {
  OwnSettings Config{};
  OwnDetails DebugConfig{};
};
PROCONSUL_DECLARE_TYPE(Self)

/// The subsets of a service, of its service-resolver.
struct Resolver {
  std::string Name{};
  std::string DefaultSubset{};
  base::Map<catalog::ServiceResolverSubset> Subsets{};
};
PROCONSUL_DECLARE_TYPE(Resolver)

struct Learned {
  std::string datacenter{};
  std::string domain{};
  std::string trust_domain{};                                   // empty: there is no mesh
  base::List<base::Pointer<catalog::NodeInfo>> nodes{};         // of this datacenter, with services and checks
  base::Map<base::List<catalog::CheckServiceNode>> gateways{};  // mesh gateways by datacenter
  base::List<Resolver> resolvers{};
  base::List<std::string> datacenters{};
};

/// Servers are all that the catalog has: who does not answer is found out by connecting. Of a datacenter's gateways
/// those without a critical check, by their WAN addresses; all, if each has one. Of a service those instances in the
/// mesh that have none.
wanfed::gateway::Topology topology_of(const Learned& learned, bool wan_federation);

}  // namespace proconsul::agent::gateway
