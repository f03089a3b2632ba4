#include "agent/invite/messages.h"

#include "base/type_of.h"

namespace proconsul::agent::invite {

PROCONSUL_DESCRIBE_TYPE(Facts, "proconsul.InvitationFacts") {
  type.field("Datacenter", &Facts::Datacenter);
  type.field("Domain", &Facts::Domain);
  type.field("Gateways", &Facts::Gateways);
  type.field("Authority", &Facts::Authority);
  type.field("ACLs", &Facts::ACLs);
  type.field("GossipEncrypted", &Facts::GossipEncrypted);
  type.field("Faults", &Facts::Faults);
}

PROCONSUL_DESCRIBE_TYPE(Place, "proconsul.InvitationPlace") {
  type.field("Datacenter", &Place::Datacenter);
  type.field("Sealed", &Place::Sealed);
}

PROCONSUL_DESCRIBE_TYPE(InviteRequest, "proconsul.InviteRequest") {
  type.field("Datacenter", &InviteRequest::Datacenter);
  type.field("ID", &InviteRequest::ID);
  type.field("Digest", &InviteRequest::Digest);
  type.field("TTL", &InviteRequest::TTL);
  type.field("Places", &InviteRequest::Places);
  type.embed<catalog::WriteRequest>();
}

PROCONSUL_DESCRIBE_TYPE(InviteReply, "proconsul.InviteReply") {
  type.field("Expires", &InviteReply::Expires);
}

PROCONSUL_DESCRIBE_TYPE(RedeemRequest, "proconsul.RedeemRequest") {
  type.field("Datacenter", &RedeemRequest::Datacenter);
  type.field("ID", &RedeemRequest::ID);
  type.field("Proof", &RedeemRequest::Proof);
  type.field("Joining", &RedeemRequest::Joining);
  type.field("Node", &RedeemRequest::Node);
  type.field("Attempt", &RedeemRequest::Attempt);
}

PROCONSUL_DESCRIBE_TYPE(RedeemReply, "proconsul.RedeemReply") {
  type.field("Sealed", &RedeemReply::Sealed);
  type.field("Servers", &RedeemReply::Servers);
  type.field("ACLs", &RedeemReply::ACLs);
  type.field("DefaultPolicy", &RedeemReply::DefaultPolicy);
  type.field("DownPolicy", &RedeemReply::DownPolicy);
  type.field("ReplicationToken", &RedeemReply::ReplicationToken);
  type.field("AgentToken", &RedeemReply::AgentToken);
  type.field("GossipKey", &RedeemReply::GossipKey);
  type.field("GossipVerifyIncoming", &RedeemReply::GossipVerifyIncoming);
  type.field("GossipVerifyOutgoing", &RedeemReply::GossipVerifyOutgoing);
}

PROCONSUL_DESCRIBE_TYPE(ForgetRequest, "proconsul.ForgetRequest") {
  type.field("Datacenter", &ForgetRequest::Datacenter);
  type.field("Forgotten", &ForgetRequest::Forgotten);
  type.field("Force", &ForgetRequest::Force);
  type.embed<catalog::WriteRequest>();
}

PROCONSUL_DESCRIBE_TYPE(ForgetReply, "proconsul.ForgetReply") {
  type.field("Done", &ForgetReply::Done);
}

}  // namespace proconsul::agent::invite
