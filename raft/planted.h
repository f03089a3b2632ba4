// Mistakes that the simulation can switch on to prove that it would find them. In the product every one is `false` at
// compile time and leaves no trace.
#pragma once

#ifdef PROCONSUL_RAFT_PLANTED

#include <array>
#include <cstdint>
#include <string_view>

namespace proconsul::raft {

enum class Planted : std::uint8_t {
  none,
  vote_not_persisted,        // a vote leaves before it is durable
  vote_granted_twice,        // a second candidate of the same term gets a vote too
  vote_for_stale_log,        // the candidate's log is not compared
  old_term_committed,        // an entry of an older term is committed by counting
  truncation_lost,           // a conflicting entry of an older leader is kept
  ack_before_persistence,    // a follower acknowledges what its disk does not have
  leader_counts_unwritten,   // the leader counts itself before its own disk has the entry
  stale_lease_read,          // a leader reads by its lease without looking at the clock
  read_without_round,        // a verified read asks nobody
  applied_twice,             // the last applied entry is handed out again after a change of role
  snapshot_index_wrong,      // a snapshot is labelled one entry too low
  quorum_of_old_membership,  // commits are counted in the configuration before the change
};

inline constexpr std::array<std::string_view, 13> kPlantedNames = {
    "none",
    "vote_not_persisted",
    "vote_granted_twice",
    "vote_for_stale_log",
    "old_term_committed",
    "truncation_lost",
    "ack_before_persistence",
    "leader_counts_unwritten",
    "stale_lease_read",
    "read_without_round",
    "applied_twice",
    "snapshot_index_wrong",
    "quorum_of_old_membership",
};

inline Planted planted = Planted::none;

}  // namespace proconsul::raft

#define PROCONSUL_RAFT_BUG(name) (::proconsul::raft::planted == ::proconsul::raft::Planted::name)
#else
#define PROCONSUL_RAFT_BUG(name) false
#endif
