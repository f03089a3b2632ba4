// When tombstones may go: deletions within one slice of time are reaped together, up to the highest index among them,
// so that there is at most one reap entry a slice. Plain data with `now` passed in; not thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>

#include "base/clock.h"

namespace proconsul::agent::server {

class TombstoneClock {
 public:
  using Instant = base::MonotonicTime;
  static constexpr base::Duration kLifetime = base::seconds(15 * 60);
  static constexpr base::Duration kSlice = base::seconds(30);

  /// Tombstones up to this raft index exist as of `now`.
  void hint(std::uint64_t index, Instant now) {
    const Instant slice_end{now.nanoseconds - now.nanoseconds % kSlice.nanoseconds + kSlice.nanoseconds};
    auto& highest = slices_[slice_end + kLifetime];
    highest = std::max(highest, index);
  }
  void clear() { slices_.clear(); }
  std::optional<Instant> earliest() const {
    return slices_.empty() ? std::nullopt : std::optional(slices_.begin()->first);
  }
  /// The highest index whose lifetime has passed; 0: none.
  std::uint64_t take_expired(Instant now) {
    std::uint64_t index = 0;
    while (!slices_.empty() && slices_.begin()->first <= now) {
      index = std::max(index, slices_.begin()->second);
      slices_.erase(slices_.begin());
    }
    return index;
  }

 private:
  std::map<Instant, std::uint64_t> slices_{};
};

}  // namespace proconsul::agent::server
