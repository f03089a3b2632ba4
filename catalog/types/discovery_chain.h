// What the entries that lead from a service to its instances amount to: a graph that proxies follow.
#pragma once

#include <string>

#include "base/time.h"
#include "base/type.h"
#include "catalog/types/common.h"
#include "catalog/types/config_chain.h"
#include "catalog/types/config_services.h"
#include "catalog/types/proxy.h"

namespace proconsul::catalog {

struct DiscoveryFailover {
  base::List<std::string> Targets{};  // IDs
  base::Pointer<ServiceResolverFailoverPolicy> Policy{};
  base::List<std::string> Regions{};
};
PROCONSUL_DECLARE_TYPE(DiscoveryFailover)

struct DiscoveryResolver {
  bool Default{};
  base::Duration ConnectTimeout{};
  base::Duration RequestTimeout{};
  std::string Target{};  // ID
  base::Pointer<DiscoveryFailover> Failover{};
};
PROCONSUL_DECLARE_TYPE(DiscoveryResolver)

struct DiscoveryRoute {
  base::Pointer<ServiceRoute> Definition{};
  std::string NextNode{};
};
PROCONSUL_DECLARE_TYPE(DiscoveryRoute)

struct DiscoverySplit {
  base::Pointer<ServiceSplit> Definition{};
  float Weight{};  // what comes here of all; the definition may say its share of a share
  std::string NextNode{};
};
PROCONSUL_DECLARE_TYPE(DiscoverySplit)

struct DiscoveryGraphNode {
  std::string Type{};  // router, splitter, resolver
  std::string Name{};
  base::List<base::Pointer<DiscoveryRoute>> Routes{};
  base::List<base::Pointer<DiscoverySplit>> Splits{};
  base::Pointer<DiscoveryResolver> Resolver{};
  base::Pointer<catalog::LoadBalancer> LoadBalancer{};
};
PROCONSUL_DECLARE_TYPE(DiscoveryGraphNode)

struct DiscoveryPrioritizeByLocality {
  std::string Mode{};
};
PROCONSUL_DECLARE_TYPE(DiscoveryPrioritizeByLocality)

/// Which instances answer.
struct DiscoveryTarget {
  std::string ID{};
  std::string Service{};
  std::string ServiceSubset{};
  std::string Namespace{};
  std::string Partition{};
  std::string Datacenter{};
  std::string Peer{};
  base::Pointer<catalog::Locality> Locality{};
  MeshGatewayConfig MeshGateway{};
  ServiceResolverSubset Subset{};
  TransparentProxyConfig TransparentProxy{};
  base::Duration ConnectTimeout{};
  bool External{};
  std::string SNI{};
  std::string Name{};
  base::Pointer<DiscoveryPrioritizeByLocality> PrioritizeByLocality{};
};
PROCONSUL_DECLARE_TYPE(DiscoveryTarget)

struct CompiledDiscoveryChain {
  std::string ServiceName{};
  std::string Namespace{};
  std::string Partition{};
  std::string Datacenter{};
  std::string CustomizationHash{};  // of what was asked for instead of what the entries say
  bool Default{};                   // nothing but the service itself
  std::string Protocol{};
  base::Map<std::string> ServiceMeta{};
  base::List<EnvoyExtension> EnvoyExtensions{};
  std::string StartNode{};
  base::Map<base::Pointer<DiscoveryGraphNode>> Nodes{};  // "router:web.default.default"
  base::Map<base::Pointer<DiscoveryTarget>> Targets{};   // by ID
  base::List<std::string> AutoVirtualIPs{};
  base::List<std::string> ManualVirtualIPs{};
};
PROCONSUL_DECLARE_TYPE(CompiledDiscoveryChain)

}  // namespace proconsul::catalog
