#include "agent/recover/compare.h"

#include <algorithm>

namespace proconsul::agent::recover {
namespace {

using raft::LogIndex;
using raft::LogView;

/// The last index up to which both logs are the same: an index and its term say all about what comes before.
LogIndex common_end(const LogView& left, const LogView& right) {
  LogIndex at = std::min(left.last(), right.last());
  while (at.value > 0) {
    const auto one = left.term_at(at), other = right.term_at(at);
    // Below what a snapshot covers nothing can be compared; what is in a snapshot was agreed on.
    if (!one || !other || *one == *other) return at;
    const LogIndex start = std::max(left.term_start(at), right.term_start(at));
    if (start.value == 0) return {};
    at = start - 1;
  }
  return at;
}

std::uint64_t commands(const DataDirectory& directory, LogIndex from, LogIndex to) {
  constexpr std::size_t kPiece = std::size_t{1} << 20;
  std::uint64_t count = 0;
  for (LogIndex next = std::max(from, directory.storage->first_index()); next.value != 0 && next <= to;) {
    const auto entries = directory.storage->read(next, to, kPiece);
    if (!entries) break;
    count += static_cast<std::uint64_t>(std::ranges::count_if(
        *entries, [](const raft::EntryPtr& entry) { return entry->type == raft::EntryType::command; }));
    next = entries->back()->index + 1;
  }
  return count;
}

}  // namespace

std::optional<Missing> missing(const DataDirectory& chosen, const DataDirectory& of) {
  const LogIndex common = common_end(chosen.log, of.log);
  if (common >= of.log.last()) return std::nullopt;
  Missing lost{.from = common + 1, .to = of.log.last()};
  lost.changes = commands(of, lost.from, lost.to);
  return lost;
}

const DataDirectory* newest(const std::vector<DataDirectory>& directories) {
  const DataDirectory* best = nullptr;
  for (const DataDirectory& directory : directories) {
    if (directory.readable() && (best == nullptr || directory.last() > best->last())) best = &directory;
  }
  return best;
}

}  // namespace proconsul::agent::recover
