// Raft's safety properties, checked as things happen, over all servers and their whole lives.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "raft/core.h"

namespace proconsul::simulation {

class Invariants {
 public:
  /// Election safety and leader completeness.
  void leader_elected(const std::string& server, const raft::Core& core);
  /// Log matching: an index and a term stand for one entry and one history before it.
  void appended(const std::string& server, const raft::Core& core, const raft::StorageWrite& write);
  /// State-machine safety, as soon as an entry counts as committed anywhere; a leader counts only for entries of its
  /// term.
  void committed(const std::string& server, const raft::Core& core);
  void restarted(const std::string& server) { checked_.erase(server); }
  /// The FSM applies each index once, in order, and all FSMs go through the same states.
  void applied(const std::string& server, std::uint64_t expected, const raft::Entry& entry, std::uint64_t digest);
  void restored(const std::string& server, std::uint64_t index, std::uint64_t digest);
  /// An operator's restore: the state at this index comes from nowhere.
  void user_restored(std::uint64_t index, std::uint64_t term, std::uint64_t digest);

  void fail(std::string what) {
    if (violations_.size() < 8) violations_.push_back(std::move(what));
  }
  const std::vector<std::string>& violations() const { return violations_; }
  std::uint64_t last_committed() const { return committed_.size(); }

 private:
  struct Known {
    std::uint64_t content{};
    std::uint64_t previous_term{};
  };
  struct Committed {
    std::uint64_t term{};     // 0: not seen (hidden in a snapshot)
    std::uint64_t in_term{};  // of the leader that committed it
    std::uint64_t content{};
    std::uint64_t digest{};  // of the FSM after it; 0: not seen
  };
  Committed& at(std::uint64_t index);

  std::vector<std::string> leaders_{};  // by term
  std::unordered_map<std::uint64_t, Known> entries_{};
  std::vector<Committed> committed_{};                        // by index - 1
  std::unordered_map<std::string, std::uint64_t> checked_{};  // by server: commit index seen so far
  std::vector<std::string> violations_{};
};

}  // namespace proconsul::simulation
