// Log and stable store of a development agent: nothing outlives the process.
#pragma once

#include <deque>

#include "raft/storage.h"

namespace proconsul::raft {

class MemoryStorage final : public Storage {
 public:
  LogIndex first_index() const override { return entries_.empty() ? LogIndex{} : entries_.front()->index; }
  LogIndex last_index() const override { return entries_.empty() ? LogIndex{} : entries_.back()->index; }
  HardState hard_state() const override { return hard_state_; }
  base::Result<> write(const StorageWrite& write) override;
  base::Result<std::vector<EntryPtr>> read(LogIndex first, LogIndex last, std::size_t max_bytes) override;
  base::Result<> compact(LogIndex up_to) override;

 private:
  std::deque<EntryPtr> entries_{};  // consecutive
  HardState hard_state_{};
};

}  // namespace proconsul::raft
