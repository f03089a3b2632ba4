// The log as the core sees it: all terms, the configurations, and the newest entries in memory. It runs ahead of the
// disk by the writes that are still under way.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/result.h"
#include "raft/types.h"

namespace proconsul::raft {

class LogView {
 public:
  /// Start: the newest snapshot, before load().
  void set_snapshot(LogIndex index, Term term);
  /// Start: the next stored entry. Errc::corrupt names a gap or an unreadable configuration.
  base::Result<> load(EntryPtr entry);

  LogIndex first() const { return first_; }  // of the entries; last() + 1 when there are none
  LogIndex last() const { return {first_.value + count_ - 1}; }
  Term last_term() const;
  /// Known for every entry and for the position before the first (snapshot or compacted), if that was ever known.
  std::optional<Term> term_at(LogIndex index) const;
  /// First index of the run of entries with this entry's term.
  LogIndex term_start(LogIndex index) const;

  /// The entry at last() + 1. Errc::corrupt: an unreadable configuration; nothing changed.
  base::Result<> append(EntryPtr entry);
  void truncate_from(LogIndex index);
  void compact(LogIndex up_to);
  /// Nothing but the position of a snapshot.
  void reset(LogIndex index, Term term);

  /// Null when it is not in memory (any more).
  const EntryPtr* cached(LogIndex index) const;
  std::size_t cached_bytes() const { return cached_bytes_; }
  /// Forgets entries up to `keep_after`, oldest first, until at most max_bytes are in memory.
  void evict(LogIndex keep_after, std::size_t max_bytes);

  /// Configurations that entries of this log hold, oldest first.
  struct Configured {
    LogIndex index{};
    Configuration configuration{};
  };
  const std::vector<Configured>& configurations() const { return configurations_; }

 private:
  struct Run {
    LogIndex first{};
    Term term{};
  };

  LogIndex first_{1};
  std::uint64_t count_{};
  std::vector<Run> runs_{{LogIndex{0}, Term{0}}};  // begins at first_ - 1 when the term there is known, else at first_
  std::deque<EntryPtr> cache_{};                   // the newest entries, up to last()
  std::size_t cached_bytes_{};
  std::vector<Configured> configurations_{};
};

}  // namespace proconsul::raft
