#include "agent/doctor/report.h"

#include "base/type_of.h"

namespace proconsul::agent::doctor {

PROCONSUL_DESCRIBE_TYPE(Hop, "proconsul.FederationHop") {
  type.field("Datacenter", &Hop::Datacenter);
  type.field("Layer", &Hop::Layer);
  type.field("What", &Hop::What);
  type.field("Result", &Hop::Result);
  type.field("Detail", &Hop::Detail).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(Cause, "proconsul.FederationCause") {
  type.field("Code", &Cause::Code);
  type.field("Datacenter", &Cause::Datacenter);
  type.field("Cause", &Cause::Cause);
  type.field("Fix", &Cause::Fix);
  type.field("Warning", &Cause::Warning);
}

PROCONSUL_DESCRIBE_TYPE(Report, "proconsul.FederationReport") {
  type.field("Healthy", &Report::Healthy);
  type.field("Datacenter", &Report::Datacenter);
  type.field("Node", &Report::Node);
  type.field("At", &Report::At);
  type.field("Hops", &Report::Hops);
  type.field("Causes", &Report::Causes);
}

PROCONSUL_DESCRIBE_TYPE(DatacenterStatus, "proconsul.FederationDatacenter") {
  type.field("Name", &DatacenterStatus::Name);
  type.field("Primary", &DatacenterStatus::Primary);
  type.field("Own", &DatacenterStatus::Own);
  type.field("Way", &DatacenterStatus::Way);
  type.field("Gateway", &DatacenterStatus::Gateway).omit_empty();
  type.field("State", &DatacenterStatus::State);
  type.field("ServersAlive", &DatacenterStatus::ServersAlive);
  type.field("ServersKnown", &DatacenterStatus::ServersKnown);
  type.field("GatewaysHealthy", &DatacenterStatus::GatewaysHealthy);
  type.field("GatewaysKnown", &DatacenterStatus::GatewaysKnown);
  type.field("GatewayAddresses", &DatacenterStatus::GatewayAddresses);
  type.field("RoundTrip", &DatacenterStatus::RoundTrip);
  type.field("Dials", &DatacenterStatus::Dials);
  type.field("Failures", &DatacenterStatus::Failures);
  type.field("LastFailure", &DatacenterStatus::LastFailure);
  type.field("LastError", &DatacenterStatus::LastError).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(CopyingStatus, "proconsul.FederationCopyingStatus") {
  type.embed<Copying>();
  type.field("PrimaryIndex", &CopyingStatus::PrimaryIndex);
  type.field("Lag", &CopyingStatus::Lag);
}

PROCONSUL_DESCRIBE_TYPE(Status, "proconsul.FederationStatus") {
  type.field("Datacenter", &Status::Datacenter);
  type.field("Node", &Status::Node);
  type.field("PrimaryDatacenter", &Status::PrimaryDatacenter);
  type.field("ThroughGateways", &Status::ThroughGateways);
  type.field("Leader", &Status::Leader);
  type.field("At", &Status::At);
  type.field("Datacenters", &Status::Datacenters);
  type.field("Copying", &Status::Copying);
}

}  // namespace proconsul::agent::doctor
