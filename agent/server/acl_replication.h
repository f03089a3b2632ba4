// The copying of ACLs from the primary datacenter, on the leader of a secondary: a thread each for policies, roles and,
// with acl.enable_token_replication, global tokens. Auth methods and binding rules are not copied: every datacenter has
// its own.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "agent/rpc/acl_types.h"
#include "agent/server/acl_replicator.h"
#include "agent/server/acl_settings.h"
#include "agent/server/leader_threads.h"
#include "agent/server/server.h"
#include "base/clock.h"

namespace proconsul::agent::server {

class AclReplication {
 public:
  AclReplication(AclSettings settings, const base::Clock& clock, AclReplicator::Limits limits = {});

  /// From here on it may run. `server` outlives it, or it is stopped before. Once.
  void open(Server& server, std::shared_ptr<AclPrimary> primary);
  /// This server leads, as far as its state is current, or no longer. Any thread; returns at once.
  void lead(bool leading);
  /// Of what was done on this server as leader. Any thread.
  rpc::ACLReplicationStatus status() const;
  /// No command is under way afterwards. Idempotent.
  void stop() { threads_.stop(); }

 private:
  void run(AclReplicator::Kind kind, const std::stop_token& over, const ReplicationPause& pause);
  void report(AclReplicator::Kind kind, const base::Result<std::uint64_t>& round);

  const AclSettings settings_;
  const base::Clock& clock_;
  const AclReplicator::Limits limits_;
  Server* server_ = nullptr;
  std::shared_ptr<AclPrimary> primary_{};

  mutable std::mutex mutex_{};
  rpc::ACLReplicationStatus status_{};  // by mutex_
  LeaderThreads threads_{};
};

}  // namespace proconsul::agent::server
