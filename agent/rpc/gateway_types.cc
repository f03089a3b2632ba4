#include "agent/rpc/gateway_types.h"

namespace proconsul::agent::rpc {

PROCONSUL_DESCRIBE_TYPE(IndexedGatewayServices, "structs.IndexedGatewayServices") {
  type.field("Services", &IndexedGatewayServices::Services);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(IndexedServiceDump, "structs.IndexedServiceDump") {
  type.field("Dump", &IndexedServiceDump::Dump);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(DiscoveryChainRequest, "structs.DiscoveryChainRequest") {
  type.field("Name", &DiscoveryChainRequest::Name);
  type.field("EvaluateInDatacenter", &DiscoveryChainRequest::EvaluateInDatacenter);
  type.field("EvaluateInNamespace", &DiscoveryChainRequest::EvaluateInNamespace);
  type.field("EvaluateInPartition", &DiscoveryChainRequest::EvaluateInPartition);
  type.field("OverrideMeshGateway", &DiscoveryChainRequest::OverrideMeshGateway).alias("override_mesh_gateway");
  type.field("OverrideProtocol", &DiscoveryChainRequest::OverrideProtocol).alias("override_protocol");
  type.field("OverrideConnectTimeout", &DiscoveryChainRequest::OverrideConnectTimeout)
      .alias("override_connect_timeout");
  type.field("Datacenter", &DiscoveryChainRequest::Datacenter);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(DiscoveryChainResponse, "structs.DiscoveryChainResponse") {
  type.field("Chain", &DiscoveryChainResponse::Chain);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(IndexedExportedServiceList, "structs.IndexedExportedServiceList") {
  type.field("Services", &IndexedExportedServiceList::Services);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(IndexedResolvedExportedServices, "IndexedResolvedExportedServices") {
  type.field("Services", &IndexedResolvedExportedServices::Services);
  type.embed<catalog::QueryMeta>();
}

}  // namespace proconsul::agent::rpc
