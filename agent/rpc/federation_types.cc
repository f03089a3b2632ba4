#include "agent/rpc/federation_types.h"

#include "base/type_of.h"

namespace proconsul::agent::rpc {

PROCONSUL_DESCRIBE_TYPE(FederationStateQuery, "structs.FederationStateQuery") {
  type.field("Datacenter", &FederationStateQuery::Datacenter);
  type.field("TargetDatacenter", &FederationStateQuery::TargetDatacenter);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(FederationStateResponse, "structs.FederationStateResponse") {
  type.field("State", &FederationStateResponse::State);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(IndexedFederationStates, "structs.IndexedFederationStates") {
  type.field("States", &IndexedFederationStates::States);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(DatacenterIndexedCheckServiceNodes, "structs.DatacenterIndexedCheckServiceNodes") {
  type.field("DatacenterNodes", &DatacenterIndexedCheckServiceNodes::DatacenterNodes);
  type.embed<catalog::QueryMeta>();
}

}  // namespace proconsul::agent::rpc
