// The copying of config entries from the primary datacenter, on the leader of a secondary.
#pragma once

#include "agent/server/acl_settings.h"
#include "agent/server/config_replicator.h"
#include "agent/server/leader_threads.h"
#include "agent/server/replication_record.h"
#include "agent/server/server.h"
#include "base/clock.h"

namespace proconsul::agent::server {

class ConfigReplication {
 public:
  using Ask = decltype(ConfigReplicator::Means::ask);
  /// `clock` outlives it.
  ConfigReplication(AclSettings settings, const base::Clock& clock, ConfigReplicator::Limits limits = {});

  /// From here on it may run. `server` outlives it, or it is stopped before. Once.
  void open(Server& server, Ask ask);
  /// This server leads, as far as its state is current, or no longer. Any thread; returns at once.
  void lead(bool leading) { threads_.lead(leading); }
  /// No command is under way afterwards. Idempotent.
  void stop() { threads_.stop(); }
  /// Of what was done on this server as leader. Any thread.
  ReplicationRecord::State state() const { return record_.state(); }

 private:
  const AclSettings settings_;
  const base::Clock& clock_;
  const ConfigReplicator::Limits limits_;
  ReplicationRecord record_;
  LeaderThreads threads_{};
};

}  // namespace proconsul::agent::server
