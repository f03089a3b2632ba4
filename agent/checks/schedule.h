// When checks run: those that are due at about the same time run together. Plain data.
#pragma once

#include <algorithm>
#include <chrono>

namespace proconsul::agent::checks {

/// The time at which a run that is due then begins: the nearest of those at which others begin too, at most half a
/// hundredth of the interval and 50 ms away. Many checks then wake the processor a few times, and not once each.
inline std::chrono::steady_clock::time_point together(std::chrono::steady_clock::time_point due,
                                                      std::chrono::nanoseconds interval) {
  constexpr std::chrono::nanoseconds kLongest = std::chrono::milliseconds(100);
  const std::chrono::nanoseconds step = std::min(interval / 100, kLongest);
  if (step.count() <= 0) return due;
  const std::chrono::nanoseconds since = due.time_since_epoch() + step / 2;
  return std::chrono::steady_clock::time_point(since - since % step);
}

}  // namespace proconsul::agent::checks
