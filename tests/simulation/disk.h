// A server's disk in virtual time: what survives a crash, what was only queued, and the ways in which it fails.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "base/result.h"
#include "raft/storage.h"
#include "tests/simulation/random.h"

namespace proconsul::simulation {

constexpr std::size_t kMostKeys = 128;

/// The replicated state: registers and a digest over everything that was applied.
struct FsmState {
  std::uint64_t registers[kMostKeys]{};
  std::uint64_t digest{};
};

struct StoredSnapshot {
  raft::SnapshotMeta meta{};
  std::shared_ptr<const FsmState> state{};
};

class Disk {
 public:
  // Durable content.
  raft::HardState hard_state{};
  std::vector<StoredSnapshot> snapshots{};  // oldest first
  void keep(StoredSnapshot snapshot);       // the newest few stay

  raft::LogIndex first() const { return first_; }
  raft::LogIndex last() const { return {first_.value + entries_.size() - 1}; }
  base::Result<std::vector<raft::EntryPtr>> read(raft::LogIndex first, raft::LogIndex last,
                                                 std::size_t max_bytes) const;
  void compact(raft::LogIndex up_to);

  // Writes in the order in which they were asked for.
  struct Pending {
    std::uint64_t number{};
    raft::StorageWrite write{};
  };
  std::deque<Pending> queue{};
  std::size_t running{};  // how many of them are in the flush under way; 0: idle

  /// Makes the first `running` writes durable; the number of the last.
  std::uint64_t finish_flush();
  /// Power goes: of what was not flushed a prefix may have reached the platter; a write that reached it in part fails
  /// its checksum at the tail of the log and is gone as a whole.
  enum class Tail : std::uint8_t { clean, torn };
  Tail crash(Random& random);

  /// Flips a bit in a durable entry; false when there is none.
  bool corrupt(Random& random);
  /// What a start finds: Errc::corrupt names the damaged entry.
  base::Result<> verify() const;

  std::int64_t stalled_until{};  // writes finish only after this
  std::int64_t full_until{};     // writes fail until this

 private:
  struct Record {
    raft::EntryPtr entry{};
    std::uint64_t checksum{};
  };
  void perform(const raft::StorageWrite& write);

  raft::LogIndex first_{1};
  std::deque<Record> entries_{};
};

std::uint64_t checksum(const raft::Entry& entry);

}  // namespace proconsul::simulation
