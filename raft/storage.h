// What raft needs from a disk. The RocksDB one is rocks_storage.h; simulations bring their own that lies and fails.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/result.h"
#include "raft/types.h"

namespace proconsul::raft {

/// One durable step: truncate, then append, then save the hard state; all or nothing.
struct StorageWrite {
  std::optional<LogIndex> truncate_from{};  // this entry and all after it go
  std::vector<EntryPtr> entries{};          // consecutive; the first follows the last that is kept
  std::optional<HardState> hard_state{};
};

/// Log and stable store. All calls come from the log thread; nothing here is thread-safe.
class Storage {
 public:
  virtual ~Storage() = default;
  virtual LogIndex first_index() const = 0;  // 0 when the log is empty
  virtual LogIndex last_index() const = 0;
  virtual HardState hard_state() const = 0;
  /// Durable (fdatasync) when it returns without error. Errc::unavailable when the disk is full: nothing was written.
  virtual base::Result<> write(const StorageWrite& write) = 0;
  /// Entries first..last, fewer if they exceed max_bytes (but at least one). Errc::corrupt names the entry.
  virtual base::Result<std::vector<EntryPtr>> read(LogIndex first, LogIndex last, std::size_t max_bytes) = 0;
  /// Forgets entries up to and including this one (log compaction after a snapshot).
  virtual base::Result<> compact(LogIndex up_to) = 0;
};

}  // namespace proconsul::raft
