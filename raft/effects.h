// What the core wants done. The driver carries effects out; it decides nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "raft/message.h"
#include "raft/storage.h"
#include "raft/types.h"

namespace proconsul::raft {

enum class Role : std::uint8_t { follower, candidate, leader };

/// A role, term or leader that is new. An empty leader means: none is known.
struct RoleChange {
  Role role{};
  Term term{};
  ServerId leader{};
  std::string leader_address{};
  std::string reason{};  // for the operator's log; may be empty
};

/// For the FSM, strictly in order: first the restore if there is one, then the entries.
struct FsmStep {
  std::optional<SnapshotMeta> restore{};  // replace the whole state with this stored snapshot
  std::vector<EntryPtr> entries{};        // committed, consecutive; every type, configurations and no-ops too
};

/// Entries that are no longer in memory. Answer with Core::log_read under the same token.
struct LogRead {
  std::uint64_t token{};
  LogIndex first{};
  LogIndex last{};
  std::size_t max_bytes{};
};

/// A read that may be served from the FSM once it has applied `index`; or why not.
struct ReadAnswer {
  std::uint64_t read{};
  base::Result<LogIndex> index{};
};

/// A stream of snapshot bytes is coming: store it and call Core::snapshot_received(token, ...).
struct SnapshotReceive {
  std::uint64_t token{};
  ServerId from{};
  std::uint64_t call{};  // of the request whose bytes they are
  SnapshotMeta meta{};   // the id is the receiver's to choose
};

/// Effects of one or more inputs. Nothing here orders against anything else except as said: what must wait for the disk
/// (votes, answers, own acknowledgements) is held by the core until Core::persisted.
struct Effects {
  std::optional<StorageWrite> write{};  // in the order of write_number; may be merged with following ones
  std::uint64_t write_number{};
  std::vector<Message> messages{};  // may leave at once
  std::vector<FsmStep> fsm{};
  std::vector<ReadAnswer> reads{};
  std::vector<LogRead> log_reads{};
  std::vector<RoleChange> roles{};
  /// Proposals (also membership changes) above this index get this error; committed ones in `fsm` do not.
  struct Lost {
    LogIndex above{};
    base::Error error{};
  };
  std::optional<Lost> lost{};
  std::optional<base::Result<>> transfer{};  // how the leadership transfer ended
  std::vector<SnapshotReceive> receive_snapshots{};
  std::optional<SnapshotMeta> store_user_snapshot{};  // store the archive under this meta, then user_snapshot_stored
  bool take_snapshot = false;                         // the FSM is due: see Core::snapshot_meta
  std::optional<LogIndex> compact{};                  // Storage::compact up to here, after the writes so far
  std::optional<base::Error> halt{};                  // this server must stop: its disk or state cannot be trusted

  bool empty() const;
};

}  // namespace proconsul::raft
