#include "raft/memory_storage.h"

#include <algorithm>

namespace proconsul::raft {

base::Result<> MemoryStorage::write(const StorageWrite& write) {
  if (write.truncate_from) {
    while (!entries_.empty() && entries_.back()->index >= *write.truncate_from) entries_.pop_back();
  }
  entries_.insert(entries_.end(), write.entries.begin(), write.entries.end());
  if (write.hard_state) hard_state_ = *write.hard_state;
  return {};
}

base::Result<std::vector<EntryPtr>> MemoryStorage::read(LogIndex first, LogIndex last, std::size_t max_bytes) {
  std::vector<EntryPtr> found;
  if (entries_.empty() || first < first_index() || last > last_index() || first > last) {
    return {base::Errc::corrupt, "log entry " + std::to_string(first.value) + " is not in memory"};
  }
  std::size_t bytes = 0;
  for (std::size_t at = first.value - first_index().value; first <= last; ++at, first = first + 1) {
    bytes += entries_[at]->data.size() + entries_[at]->extensions.size();
    if (!found.empty() && bytes > max_bytes) break;
    found.push_back(entries_[at]);
  }
  return found;
}

base::Result<> MemoryStorage::compact(LogIndex up_to) {
  while (!entries_.empty() && entries_.front()->index <= up_to) entries_.pop_front();
  return {};
}

}  // namespace proconsul::raft
