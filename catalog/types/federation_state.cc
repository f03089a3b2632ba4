#include "catalog/types/federation_state.h"

#include "base/type_of.h"

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(FederationState, "structs.FederationState") {
  type.field("Datacenter", &FederationState::Datacenter);
  type.field("MeshGateways", &FederationState::MeshGateways).omit_empty();
  type.field("UpdatedAt", &FederationState::UpdatedAt);
  type.field("PrimaryModifyIndex", &FederationState::PrimaryModifyIndex);
  type.embed<RaftIndex>();
}

PROCONSUL_DESCRIBE_TYPE(FederationStateRequest, "structs.FederationStateRequest") {
  type.field("Datacenter", &FederationStateRequest::Datacenter);
  type.field("Op", &FederationStateRequest::Op);
  type.field("State", &FederationStateRequest::State);
  type.embed<WriteRequest>();
}

}  // namespace proconsul::catalog
