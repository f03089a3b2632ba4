#include "catalog/types/register.h"

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(RegisterRequest, "structs.RegisterRequest") {
  type.field("Datacenter", &RegisterRequest::Datacenter);
  type.field("ID", &RegisterRequest::ID).go_type("types.NodeID");
  type.field("Node", &RegisterRequest::Node);
  type.field("Address", &RegisterRequest::Address);
  type.field("TaggedAddresses", &RegisterRequest::TaggedAddresses);
  type.field("NodeMeta", &RegisterRequest::NodeMeta);
  type.field("Service", &RegisterRequest::Service);
  type.field("Check", &RegisterRequest::Check);
  type.field("Checks", &RegisterRequest::Checks).go_type("structs.HealthChecks");
  type.field("Locality", &RegisterRequest::Locality);
  type.field("SkipNodeUpdate", &RegisterRequest::SkipNodeUpdate);
  type.field("PeerName", &RegisterRequest::PeerName);
  type.embed<WriteRequest>();
  type.embed<RaftIndex>();
}

PROCONSUL_DESCRIBE_TYPE(DeregisterRequest, "structs.DeregisterRequest") {
  type.field("Datacenter", &DeregisterRequest::Datacenter);
  type.field("Node", &DeregisterRequest::Node);
  type.field("ServiceID", &DeregisterRequest::ServiceID);
  type.field("CheckID", &DeregisterRequest::CheckID).go_type("types.CheckID");
  type.field("PeerName", &DeregisterRequest::PeerName);
  type.embed<WriteRequest>();
  type.json_shadow("struct { Address string; *structs.Alias }");
}

}  // namespace proconsul::catalog
