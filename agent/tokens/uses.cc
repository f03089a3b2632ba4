#include "agent/tokens/uses.h"

#include <algorithm>

#include "base/random.h"

namespace proconsul::agent::tokens {

Uses::Uses(const base::Clock& clock)
    : clock_(clock), instance_(base::system_random().next() | 1), since_(base::unix_seconds(clock.wall())) {}

Uses::Mark Uses::mark_locked(std::string_view accessor) {
  if (accessor.empty()) return nullptr;
  std::string key(accessor);
  const auto found = by_accessor_.find(key);
  if (found != by_accessor_.end()) return found->second.at;
  if (by_accessor_.size() >= kMost) return nullptr;
  return by_accessor_.emplace(std::move(key), Entry{.at = std::make_shared<std::atomic<std::int64_t>>(0)})
      .first->second.at;
}

Uses::Mark Uses::mark(std::string_view accessor) {
  const std::lock_guard lock(mutex_);
  return mark_locked(accessor);
}

void Uses::note(const Mark& mark) const {
  if (!mark) return;
  const std::int64_t now = base::unix_seconds(clock_.wall());
  // Most uses are in the second of the one before: the line stays shared between processors.
  if (mark->load(std::memory_order_relaxed) != now) mark->store(now, std::memory_order_relaxed);
}

void Uses::complete_since(std::int64_t at) {
  std::int64_t known = since_.load(std::memory_order_relaxed);
  while (at < known && !since_.compare_exchange_weak(known, at, std::memory_order_relaxed)) {
  }
}

Uses::Changes Uses::changes(std::uint64_t after) {
  const std::lock_guard lock(mutex_);
  Changes changes;
  for (auto& [accessor, entry] : by_accessor_) {
    const std::int64_t at = entry.at->load(std::memory_order_relaxed);
    if (at != entry.told) {
      entry.told = at;
      entry.number = ++last_number_;
    }
    if (entry.number > after) changes.uses.push_back({accessor, at});
  }
  changes.last = last_number_;
  return changes;
}

void Uses::merge(const std::vector<Use>& uses) {
  const std::int64_t now = base::unix_seconds(clock_.wall());
  const std::lock_guard lock(mutex_);
  for (const Use& use : uses) {
    const std::int64_t at = std::min(use.at, now);
    if (at <= 0) continue;
    const Mark mark = mark_locked(use.accessor);
    if (!mark) continue;
    std::int64_t known = mark->load(std::memory_order_relaxed);
    while (known < at && !mark->compare_exchange_weak(known, at, std::memory_order_relaxed)) {
    }
  }
}

void Uses::keep(const std::function<bool(std::string_view)>& is_token) {
  const std::lock_guard lock(mutex_);
  std::erase_if(by_accessor_, [&](const auto& each) { return !is_token(each.first); });
}

}  // namespace proconsul::agent::tokens
