#include "agent/doctor/view.h"

#include <algorithm>

#include "base/type_of.h"

namespace proconsul::agent::doctor {

PROCONSUL_DESCRIBE_TYPE(Certificate, "proconsul.FederationCertificate") {
  type.field("Error", &Certificate::Error).omit_empty();
  type.field("Names", &Certificate::Names);
  type.field("NotBefore", &Certificate::NotBefore);
  type.field("NotAfter", &Certificate::NotAfter);
}

PROCONSUL_DESCRIBE_TYPE(Gateway, "proconsul.FederationGateway") {
  type.field("ID", &Gateway::ID);
  type.field("Node", &Gateway::Node);
  type.field("Lan", &Gateway::Lan);
  type.field("Wan", &Gateway::Wan);
  type.field("Tagged", &Gateway::Tagged);
  type.field("Marked", &Gateway::Marked);
  type.field("Health", &Gateway::Health);
}

PROCONSUL_DESCRIBE_TYPE(KnownState, "proconsul.FederationKnownState") {
  type.field("Datacenter", &KnownState::Datacenter);
  type.field("UpdatedAt", &KnownState::UpdatedAt);
  type.field("Gateways", &KnownState::Gateways);
  type.field("Lan", &KnownState::Lan);
  type.field("Wan", &KnownState::Wan);
}

PROCONSUL_DESCRIBE_TYPE(WayView, "proconsul.FederationWay") {
  type.field("Datacenter", &WayView::Datacenter);
  type.field("Gateway", &WayView::Gateway);
  type.field("Kind", &WayView::Kind);
  type.field("State", &WayView::State);
  type.field("InUse", &WayView::InUse);
  type.field("Dials", &WayView::Dials);
  type.field("Failures", &WayView::Failures);
  type.field("LastFailure", &WayView::LastFailure);
}

PROCONSUL_DESCRIBE_TYPE(Copying, "proconsul.FederationCopying") {
  type.field("Kind", &Copying::Kind);
  type.field("Index", &Copying::Index);
  type.field("LastSuccess", &Copying::LastSuccess);
  type.field("LastError", &Copying::LastError);
  type.field("Error", &Copying::Error).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(Member, "proconsul.FederationMember") {
  type.field("Name", &Member::Name);
  type.field("Datacenter", &Member::Datacenter);
  type.field("Address", &Member::Address);
  type.field("Status", &Member::Status);
}

PROCONSUL_DESCRIBE_TYPE(View, "proconsul.FederationView") {
  type.field("Datacenter", &View::Datacenter);
  type.field("Node", &View::Node);
  type.field("Version", &View::Version);
  type.field("PrimaryDatacenter", &View::PrimaryDatacenter);
  type.field("Domain", &View::Domain);
  type.field("Leader", &View::Leader);
  type.field("KnowsLeader", &View::KnowsLeader);
  type.field("Wan", &View::Wan);
  type.field("ThroughGateways", &View::ThroughGateways);
  type.field("Connect", &View::Connect);
  type.field("Acls", &View::Acls);
  type.field("TokenReplication", &View::TokenReplication);
  type.field("Tls", &View::Tls);
  type.field("RetryJoinWan", &View::RetryJoinWan);
  type.field("ReplicationToken", &View::ReplicationToken);
  type.field("PrimaryGateways", &View::PrimaryGateways);
  type.field("GossipKeys", &View::GossipKeys);
  type.field("Now", &View::Now);
  type.field("Certificate", &View::Certificate);
  type.field("Gateways", &View::Gateways);
  type.field("States", &View::States);
  type.field("Ways", &View::Ways);
  type.field("Members", &View::Members);
  type.field("Copying", &View::Copying);
  type.field("Indexes", &View::Indexes);
  type.field("Root", &View::Root);
}

const KnownState* View::state(std::string_view datacenter) const {
  const auto found = std::ranges::find(States, datacenter, &KnownState::Datacenter);
  return found == States.end() ? nullptr : &*found;
}

}  // namespace proconsul::agent::doctor
