// What one server sees of the federation that it is part of: how it is configured, whom it knows, which ways it goes
// and what became of them. No secret is in it: keys and tokens show as fingerprints, or as being there.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "base/type.h"

namespace proconsul::agent::doctor {

/// What a server shows to others (tls.internal_rpc).
struct Certificate {
  std::string Error{};  // why it cannot be read; empty: it can, or there is none
  base::List<std::string> Names{};
  base::Time NotBefore{}, NotAfter{};
  bool operator==(const Certificate&) const = default;
};
PROCONSUL_DECLARE_TYPE(Certificate)

/// A mesh gateway of the server's own datacenter, as its catalog has it.
struct Gateway {
  std::string ID{};
  std::string Node{};
  std::string Lan{}, Wan{};  // "10.0.0.1:8443"; empty: it has none
  bool Tagged{};             // its wan address is one of its own, not merely the other one
  bool Marked{};             // by its metadata it takes part in WAN federation
  std::string Health{};      // passing, warning, critical
};
PROCONSUL_DECLARE_TYPE(Gateway)

/// A federation state, as far as gateways in it can be used.
struct KnownState {
  std::string Datacenter{};
  base::Time UpdatedAt{};
  std::int64_t Gateways{};  // that are in it, usable or not
  base::List<std::string> Lan{}, Wan{};
};
PROCONSUL_DECLARE_TYPE(KnownState)

/// A gateway's address by which a datacenter can be reached from this server, and what became of it.
struct WayView {
  std::string Datacenter{};
  std::string Gateway{};
  std::string Kind{};   // local, direct, remembered
  std::string State{};  // works, failed, untried
  bool InUse{};         // the one that is dialed next
  std::uint64_t Dials{}, Failures{};
  base::Time LastFailure{};
};
PROCONSUL_DECLARE_TYPE(WayView)

/// What is copied from the primary, by the server that leads.
struct Copying {
  std::string Kind{};     // "ACL policies", "config entries" ...
  std::uint64_t Index{};  // of the primary, that was copied last
  base::Time LastSuccess{}, LastError{};
  std::string Error{};
};
PROCONSUL_DECLARE_TYPE(Copying)

/// A server in the WAN pool.
struct Member {
  std::string Name{};  // "node.datacenter"
  std::string Datacenter{};
  std::string Address{};  // for RPC
  std::string Status{};   // alive, failed, leaving, left
};
PROCONSUL_DECLARE_TYPE(Member)

struct View {
  std::string Datacenter{}, Node{}, Version{};
  std::string PrimaryDatacenter{}, Domain{};
  bool Leader{}, KnowsLeader{};
  bool Wan{};              // it has a WAN pool
  bool ThroughGateways{};  // connect.enable_mesh_gateway_wan_federation
  bool Connect{}, Acls{}, TokenReplication{};
  bool Tls{};               // it speaks TLS to other servers
  bool RetryJoinWan{};      // something is in it
  bool ReplicationToken{};  // there is one
  base::List<std::string> PrimaryGateways{};
  base::List<std::string> GossipKeys{};  // fingerprints, the one in use first; none: nothing is encrypted
  base::Time Now{};
  doctor::Certificate Certificate{};
  base::List<Gateway> Gateways{};
  base::List<KnownState> States{};
  base::List<WayView> Ways{};
  base::List<Member> Members{};
  base::List<doctor::Copying> Copying{};
  base::Map<std::uint64_t> Indexes{};  // of this server's state, by the kinds of Copying
  std::string Root{};                  // the active root of the mesh's authority; empty: there is none

  const KnownState* state(std::string_view datacenter) const;
};
PROCONSUL_DECLARE_TYPE(View)

}  // namespace proconsul::agent::doctor
