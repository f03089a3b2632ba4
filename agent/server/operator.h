// What operators see and change of the servers themselves: raft's members, autopilot's view of them, snapshots.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/server/server.h"
#include "base/result.h"
#include "base/time.h"
#include "raft/snapshot_store.h"
#include "raft/stream.h"

namespace proconsul::agent::server {

class Operator {
 public:
  virtual ~Operator() = default;

  struct Peer {
    std::string id{};
    std::string address{};
    bool voter{};
    bool leader{};
    std::uint64_t last_index{};  // of its log, as far as known here
  };
  struct Peers {
    std::uint64_t index{};  // of the configuration entry
    std::vector<Peer> servers{};
  };
  virtual Peers raft_peers() = 0;
  virtual void remove_peer(const std::string& id, Done done) = 0;
  /// To the most suitable server when the id is empty.
  virtual void transfer_leader(const std::string& id, Done done) = 0;

  struct ServerHealth {
    Peer peer{};
    bool healthy{};
    base::Duration last_contact{};
    std::uint64_t last_term{};
    base::Time stable_since{};    // when `healthy` last changed
    std::string gossip_status{};  // "alive", "failed", "left"
    std::string version{};        // "1.21.4"; empty: the pool does not know it
  };
  struct Health {
    std::vector<ServerHealth> servers{};
    bool healthy() const;
    /// How many more healthy voters may fail before there is no quorum.
    int failure_tolerance() const;
  };
  /// As far as this server knows: of the others, only while it leads.
  virtual Health health() = 0;
  /// As the leader sees it. `done` runs on any thread. Errc::no_leader: nobody leads, or does not answer.
  virtual void leaders_view_of_health(std::move_only_function<void(base::Result<Health>)> done) = 0;

  /// The sections "raft" and "consul" of /v1/agent/self and `consul info`.
  virtual std::map<std::string, std::map<std::string, std::string>> statistics() = 0;

  struct Snapshot {
    std::uint64_t index{};
    std::unique_ptr<raft::SnapshotReader> state{};  // waits for the disk: not for a loop's thread
  };
  /// Takes a snapshot of the state now. `done` runs on any thread.
  virtual void take_snapshot(std::move_only_function<void(base::Result<Snapshot>)> done) = 0;
  /// Replaces the whole state. The source is read on a thread of its own; `meta` is what came with it.
  virtual void restore_snapshot(std::unique_ptr<raft::ByteSource> state, const raft::SnapshotMeta& meta, Done done) = 0;
};

}  // namespace proconsul::agent::server
