// What a leader knows of one follower.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "raft/options.h"
#include "raft/types.h"

namespace proconsul::raft {

struct Progress {
  enum class State : std::uint8_t {
    probe,      // the common point is unknown: one append at a time
    replicate,  // it is known: appends follow each other without waiting
    snapshot,   // the needed entries are compacted: a snapshot is on its way
  };
  struct Inflight {
    std::uint64_t call{};
    LogIndex prev{};
    LogIndex last{};  // of its entries; prev when it has none
    Instant sent{};
  };

  std::string address{};
  State state = State::probe;
  bool voter{};
  LogIndex next{1};
  LogIndex match{};
  LogIndex commit_told{};
  std::vector<Inflight> inflight{};
  std::uint64_t snapshot_call{};  // 0: none on its way
  LogIndex snapshot_index{};
  Instant snapshot_sent{};
  LogIndex log_end{};        // of a follower that cannot go on from a snapshot before it (on AppendResponse); 0: it can
  std::uint64_t log_read{};  // token of the disk read for it; 0: none
  std::uint32_t failures{};  // in a row; spaces out the attempts
  Instant retry_at{};        // no append before this
  Instant last_append{};
  Instant heartbeat_at{};
  Instant heard{};  // when an answer last came
  // Heartbeats and appends are numbered in the order of sending; an answer proves that the follower had not left this
  // leader when the request was sent.
  std::uint64_t heard_call{};  // highest call answered in this term
  Instant heard_sent{};        // when that call was sent
  std::vector<Inflight> heartbeats{};
};

}  // namespace proconsul::raft
