// Requests and replies about gateways, discovery chains and exported services. Field lists: wire_schema.json of the
// wire reference.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "base/type.h"
#include "catalog/query/exported.h"
#include "catalog/types/common.h"
#include "catalog/types/discovery_chain.h"
#include "catalog/types/proxy.h"
#include "catalog/types/service.h"

namespace proconsul::agent::rpc {

struct IndexedGatewayServices : catalog::QueryMeta {
  base::List<base::Pointer<catalog::GatewayService>> Services{};
};
PROCONSUL_DECLARE_TYPE(IndexedGatewayServices)

struct IndexedServiceDump : catalog::QueryMeta {
  base::List<base::Pointer<catalog::ServiceInfo>> Dump{};
};
PROCONSUL_DECLARE_TYPE(IndexedServiceDump)

struct DiscoveryChainRequest : catalog::QueryOptions {
  std::string Name{};
  std::string EvaluateInDatacenter{};  // empty: where it is answered
  std::string EvaluateInNamespace{};
  std::string EvaluateInPartition{};
  catalog::MeshGatewayConfig OverrideMeshGateway{};
  std::string OverrideProtocol{};
  base::Duration OverrideConnectTimeout{};
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(DiscoveryChainRequest)

struct DiscoveryChainResponse : catalog::QueryMeta {
  base::Pointer<catalog::CompiledDiscoveryChain> Chain{};
};
PROCONSUL_DECLARE_TYPE(DiscoveryChainResponse)

/// By peer.
struct IndexedExportedServiceList : catalog::QueryMeta {
  base::Map<base::List<catalog::ServiceName>> Services{};
};
PROCONSUL_DECLARE_TYPE(IndexedExportedServiceList)

/// Consul asks for it by gRPC; this one is our own, for client agents of ours.
inline constexpr std::string_view kResolvedExportedServices = "Internal.ResolvedExportedServices";
struct IndexedResolvedExportedServices : catalog::QueryMeta {
  base::List<catalog::ResolvedExportedService> Services{};
};
PROCONSUL_DECLARE_TYPE(IndexedResolvedExportedServices)

}  // namespace proconsul::agent::rpc
