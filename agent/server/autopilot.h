// Autopilot: which servers are healthy, which of them get a vote, which dead ones go. Pure: what is known goes in, what
// raft should change comes out (facts: Consul's raft-autopilot, stable promoter).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/server/server_info.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/time.h"
#include "catalog/types/system.h"
#include "raft/configuration.h"
#include "raft/types.h"

namespace proconsul::agent::server {

/// What a server says of its own raft (RPC Status.RaftStats).
struct RaftStats {
  base::Duration last_contact{};  // with the leader; negative: never
  std::uint64_t last_term{};
  std::uint64_t last_index{};
};

/// "alive", "failed", "left", "unknown". A leaving one counts as alive.
std::string_view node_status(gossip::serf::MemberStatus status);

struct AutopilotServer {
  raft::Server raft{};
  std::optional<ServerInfo> info{};  // none: raft has a server that the pool does not know
  RaftStats stats{};
  bool is_leader{};
  bool healthy{};
  base::Time stable_since{};  // when `healthy` last changed
  base::MonotonicTime since{};
  std::string_view status() const;
  bool has_vote() const { return raft.suffrage == raft::Suffrage::voter; }
};

class Autopilot {
 public:
  struct Input {
    base::MonotonicTime now{};
    base::Time wall{};
    catalog::AutopilotConfig config{};
    raft::Configuration configuration{};
    raft::ServerId leader{};
    std::uint64_t last_index{};  // the leader's
    std::uint64_t last_term{};
    std::vector<ServerInfo> known{};           // servers of the LAN pool, of any status
    std::map<std::string, RaftStats> stats{};  // by server ID; what did not answer is missing
  };
  /// Takes a look, as often as every two seconds.
  void update(Input input);
  /// Forgets what was seen: another server led meanwhile.
  void restart();

  // Of the last look.
  /// The leader first, then voters, then the others; the longest healthy ones first.
  const std::vector<AutopilotServer>& servers() const { return servers_; }
  bool healthy() const;
  /// How many healthy voters may go before there is no quorum.
  int failure_tolerance() const;

  /// Servers without a vote that were healthy for long enough. Never those that are read replicas.
  std::vector<raft::MembershipChange> promotions() const;

  struct Removals {
    std::vector<raft::ServerId> from_raft{};  // nobody knows them any more
    std::vector<ServerInfo> failed{};         // force-leave them; when they have left they go from raft, too
    std::vector<std::string> refusals{};      // why others stay, for the log
  };
  /// Never so many that a majority or min_quorum were at risk.
  Removals removals() const;

 private:
  Input input_{};
  std::vector<AutopilotServer> servers_{};
  std::optional<base::MonotonicTime> first_look_{};
};

/// What raft must change so that `server` has its place at its address: one removal for each other server at the same
/// address, then the server itself. Without a vote at first, unless it had one at another address. Empty: it has its
/// place. Errc::conflict: too many would go.
base::Result<std::vector<raft::MembershipChange>> plan_server(const raft::Configuration& configuration,
                                                              const ServerInfo& server);

}  // namespace proconsul::agent::server
