// What the leader does for federation states: keeps its datacenter's own as its mesh gateways are, copies all of them
// from the primary, and in the primary deletes those of datacenters that are gone. A thread each.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "agent/rpc/federation_types.h"
#include "agent/server/acl_settings.h"
#include "agent/server/federation_replicator.h"
#include "agent/server/leader_threads.h"
#include "agent/server/replication_record.h"
#include "agent/server/server.h"
#include "agent/server/state_wait.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "catalog/store/tables.h"

namespace proconsul::agent::server {

/// The primary, asked by a secondary with the replication token. Calls wait; Errc::unavailable once `over` is.
struct FederationPrimary {
  decltype(FederationReplicator::Means::ask) ask{};
  std::function<base::Result<>(catalog::FederationState state, const std::stop_token& over)> set{};
};

/// Datacenters that have a state, but are not known (any more).
std::vector<std::string> stale_federation_states(const catalog::Tables& tables,
                                                 const std::vector<std::string>& datacenters);

class FederationDuties {
 public:
  struct Means {
    std::function<bool()> ready{};                            // whether all servers know such states
    std::function<std::vector<std::string>()> datacenters{};  // all that have servers, failed ones too
    FederationPrimary primary{};                              // of a secondary
  };
  /// `clock` outlives it.
  FederationDuties(AclSettings settings, const base::Clock& clock)
      : settings_(std::move(settings)), clock_(clock), copied_(clock), kept_(clock) {}

  /// From here on it may run. `server` is destroyed before this is, and not before this is stopped. Once.
  void open(Server& server, Means means);
  /// This server leads, as far as its state is current, or no longer. Any thread; returns at once.
  void lead(bool leading) { threads_.lead(leading); }
  /// No command is under way afterwards. Idempotent.
  void stop() { threads_.stop(); }
  // Of what was done on this server as leader; any thread. What was copied, and whether the own state is kept up to
  // date, which has no index.
  ReplicationRecord::State copied() const { return copied_.state(); }
  ReplicationRecord::State kept() const { return kept_.state(); }

 private:
  void keep_own(const std::stop_token& over, const ReplicationPause& pause);
  void copy(const std::stop_token& over, const ReplicationPause& pause);
  void prune(const ReplicationPause& pause);
  base::Result<> write(std::string_view operation, catalog::FederationState state);

  const AclSettings settings_;
  const base::Clock& clock_;
  const base::log::Logger log_{"agent.server"};
  Server* server_ = nullptr;
  Means means_{};
  StateWait wait_{};
  ReplicationRecord copied_, kept_;
  LeaderThreads threads_{};
};

}  // namespace proconsul::agent::server
