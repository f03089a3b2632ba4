#include "agent/rpc/topology_types.h"

namespace proconsul::agent::rpc {

PROCONSUL_DESCRIBE_TYPE(ServiceTopology, "structs.ServiceTopology") {
  type.field("Upstreams", &ServiceTopology::Upstreams);
  type.field("Downstreams", &ServiceTopology::Downstreams);
  type.field("UpstreamDecisions", &ServiceTopology::UpstreamDecisions);
  type.field("DownstreamDecisions", &ServiceTopology::DownstreamDecisions);
  type.field("MetricsProtocol", &ServiceTopology::MetricsProtocol);
  type.field("TransparentProxy", &ServiceTopology::TransparentProxy);
  type.field("UpstreamSources", &ServiceTopology::UpstreamSources);
  type.field("DownstreamSources", &ServiceTopology::DownstreamSources);
}

PROCONSUL_DESCRIBE_TYPE(IndexedServiceTopology, "structs.IndexedServiceTopology") {
  type.field("ServiceTopology", &IndexedServiceTopology::ServiceTopology);
  type.field("FilteredByACLs", &IndexedServiceTopology::FilteredByACLs);
  type.embed<catalog::QueryMeta>();
}

}  // namespace proconsul::agent::rpc
