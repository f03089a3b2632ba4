// Times and bounds of the raft core; Consul's defaults with raft_multiplier 1.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace proconsul::raft {

/// The core's time is monotonic, of one server, and only ever passed in.
using Instant = std::chrono::steady_clock::time_point;
using Nanoseconds = std::chrono::nanoseconds;

/// When to take snapshots and how much log to keep behind one: may change while the server runs.
struct SnapshotOptions {
  Nanoseconds interval = std::chrono::seconds(30);  // checks happen after 1x to 2x
  std::uint64_t threshold = 16384;                  // applied entries since the last snapshot that call for a new one
  std::uint64_t trailing_logs = 10240;              // entries kept behind a snapshot for slow followers
};

struct Options {
  // Multiply these four by raft_multiplier (scaled()).
  Nanoseconds heartbeat_timeout = std::chrono::seconds(1);    // see patience()
  Nanoseconds election_timeout = std::chrono::seconds(1);     // a candidate tries again after 1x to 2x
  Nanoseconds leader_lease = std::chrono::milliseconds(500);  // a leader without a quorum for so long steps down
  Nanoseconds disk_stall = std::chrono::seconds(1);  // a write overdue for so long: do not lead, do not campaign

  Nanoseconds commit_timeout = std::chrono::milliseconds(5);  // idle followers learn a new commit index within this
  Nanoseconds request_timeout = std::chrono::seconds(10);     // an append without an answer for so long is sent again
  /// TimeoutNow lets voters forget their leader, and it carries no term: for so long after sending one (or after a
  /// start, when an earlier life may have) leases do not count and reads take a heartbeat round.
  Nanoseconds transfer_grace = std::chrono::seconds(20);
  double clock_drift = 0.1;  // clocks of two servers run at rates that differ by at most this share

  SnapshotOptions snapshots{};
  std::size_t max_append_entries = 64;
  std::size_t max_append_bytes = std::size_t{1} << 20;
  std::size_t max_inflight = 4;                           // appends to one follower that wait for their answers
  std::size_t max_pending_bytes = std::size_t{64} << 20;  // entries that wait for the disk; more are refused
  std::size_t cache_bytes = std::size_t{4} << 20;         // entries kept in memory besides those still needed
  std::uint64_t max_apply_ahead = 4096;  // entries handed to the FSM and not yet applied, when they come from disk
  bool pre_vote = true;

  /// A follower elects nobody else for so long after it heard a leader, and campaigns after up to half as much again:
  /// no earlier than a lease can end, with several heartbeats missing.
  Nanoseconds patience() const {
    const auto lease = std::chrono::duration_cast<Nanoseconds>(leader_lease * (1 + clock_drift));
    return std::max(heartbeat_timeout * 3 / 5, std::min(heartbeat_timeout, lease));
  }
};

/// Options for Consul's raft_multiplier (1..10).
inline Options scaled(Options options, int multiplier) {
  options.heartbeat_timeout *= multiplier;
  options.election_timeout *= multiplier;
  options.leader_lease *= multiplier;
  options.disk_stall *= multiplier;
  return options;
}

}  // namespace proconsul::raft
