#include "tests/simulation/disk.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace proconsul::simulation {

std::uint64_t checksum(const raft::Entry& entry) {
  std::uint64_t hash = mix(mix(mix(7, entry.index.value), entry.term.value), static_cast<std::uint64_t>(entry.type));
  for (const std::string* part : {&entry.data, &entry.extensions}) {
    hash = mix(hash, part->size());
    for (const char c : *part) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3;
  }
  return mix(hash, 0);
}

base::Result<std::vector<raft::EntryPtr>> Disk::read(raft::LogIndex first, raft::LogIndex last,
                                                     std::size_t max_bytes) const {
  if (first < first_ || first > this->last()) {
    return base::Error{base::Errc::not_found, "entry " + std::to_string(first.value) + " is not in the log"};
  }
  std::vector<raft::EntryPtr> entries;
  std::size_t bytes = 0;
  for (raft::LogIndex index = first; index <= last && index <= this->last(); index = index + 1) {
    const Record& record = entries_[index.value - first_.value];
    if (record.checksum != checksum(*record.entry)) {
      return base::Error{base::Errc::corrupt, "entry " + std::to_string(index.value) + " of the log is damaged"};
    }
    bytes += record.entry->data.size();
    if (!entries.empty() && bytes > max_bytes) break;
    entries.push_back(record.entry);
  }
  return entries;
}

void Disk::keep(StoredSnapshot snapshot) {
  constexpr std::size_t kKept = 4;  // one that was superseded while it arrived may still have to be restored
  const auto after = std::ranges::upper_bound(snapshots, snapshot.meta.index, {},
                                              [](const StoredSnapshot& stored) { return stored.meta.index; });
  snapshots.insert(after, std::move(snapshot));
  if (snapshots.size() > kKept) snapshots.erase(snapshots.begin());
}

void Disk::compact(raft::LogIndex up_to) {
  while (!entries_.empty() && first_ <= up_to) {
    entries_.pop_front();
    first_ = first_ + 1;
  }
}

void Disk::perform(const raft::StorageWrite& write) {
  if (write.truncate_from) {
    while (!entries_.empty() && last() >= *write.truncate_from) entries_.pop_back();
  }
  for (const raft::EntryPtr& entry : write.entries) {
    if (entries_.empty()) first_ = entry->index;
    if (!entries_.empty() && entry->index != last() + 1) {
      throw std::logic_error("storage asked to append entry " + std::to_string(entry->index.value) + " after " +
                             std::to_string(last().value));
    }
    entries_.push_back({entry, checksum(*entry)});
  }
  if (write.hard_state) hard_state = *write.hard_state;
}

std::uint64_t Disk::finish_flush() {
  std::uint64_t number = 0;
  for (; running > 0; --running) {
    perform(queue.front().write);
    number = queue.front().number;
    queue.pop_front();
  }
  return number;
}

Disk::Tail Disk::crash(Random& random) {
  const std::size_t reached = running == 0 ? 0 : random.below(running + 1);
  const bool torn = reached < running && random.chance(0.5);
  for (std::size_t i = 0; i < reached; ++i) perform(queue[i].write);
  queue.clear();
  running = 0;
  return torn ? Tail::torn : Tail::clean;
}

bool Disk::corrupt(Random& random) {
  if (entries_.empty()) return false;
  entries_[random.below(entries_.size())].checksum ^= std::uint64_t{1} << random.below(64);
  return true;
}

base::Result<> Disk::verify() const {
  for (const Record& record : entries_) {
    if (record.checksum != checksum(*record.entry)) {
      return {base::Errc::corrupt, "entry " + std::to_string(record.entry->index.value) + " of the log is damaged"};
    }
  }
  return {};
}

}  // namespace proconsul::simulation
