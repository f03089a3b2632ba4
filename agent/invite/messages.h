// What is asked and answered about invitations by RPC (Federation.*) and by the HTTP API.
#pragma once

#include <cstdint>
#include <string>

#include "base/type.h"
#include "catalog/types/common.h"

namespace proconsul::agent::invite {

/// What the primary's servers know that an invitation must say.
struct Facts {
  std::string Datacenter{};
  std::string Domain{};
  base::List<std::string> Gateways{};  // the WAN addresses of its mesh gateways
  std::string Authority{};             // PEM: who signs the servers' certificates
  bool ACLs{};
  bool GossipEncrypted{};
  base::List<std::string> Faults{};  // why nobody could join now; none: somebody can
};
PROCONSUL_DECLARE_TYPE(Facts)

/// A place for one server: what was sealed for it, by a secret that no server knows; empty: it brings all it needs.
struct Place {
  std::string Datacenter{};  // empty: any
  std::string Sealed{};
};
PROCONSUL_DECLARE_TYPE(Place)

struct InviteRequest : catalog::WriteRequest {
  std::string Datacenter{};
  std::string ID{};
  std::string Digest{};  // of the proof that redeems it
  base::Duration TTL{};
  base::List<Place> Places{};
};
PROCONSUL_DECLARE_TYPE(InviteRequest)

struct InviteReply {
  std::int64_t Expires{};  // seconds since 1970
};
PROCONSUL_DECLARE_TYPE(InviteReply)

struct RedeemRequest {
  std::string Datacenter{};  // the primary
  std::string ID{};
  std::string Proof{};
  std::string Joining{};  // the datacenter that joins
  std::string Node{};     // the server's
  std::string Attempt{};  // random: who asks again by the same one lost the answer, and gets it again
};
PROCONSUL_DECLARE_TYPE(RedeemRequest)

/// All that a server of the secondary needs besides what it brings or has in the token.
struct RedeemReply {
  std::string Sealed{};
  std::int64_t Servers{};  // that may join for this datacenter by this invitation
  bool ACLs{};
  std::string DefaultPolicy{};
  std::string DownPolicy{};
  std::string ReplicationToken{};
  std::string AgentToken{};  // of this node, and of its mesh gateway
  std::string GossipKey{};   // base64; empty: gossip is not encrypted
  bool GossipVerifyIncoming{};
  bool GossipVerifyOutgoing{};
};
PROCONSUL_DECLARE_TYPE(RedeemReply)

struct ForgetRequest : catalog::WriteRequest {
  std::string Datacenter{};  // the primary
  std::string Forgotten{};
  bool Force{};  // also while its servers are alive
};
PROCONSUL_DECLARE_TYPE(ForgetRequest)

struct ForgetReply {
  base::List<std::string> Done{};  // sentences for the operator
};
PROCONSUL_DECLARE_TYPE(ForgetReply)

}  // namespace proconsul::agent::invite
