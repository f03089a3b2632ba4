#include "agent/local/sync_schedule.h"

#include <algorithm>
#include <cmath>

namespace proconsul::agent::local {

using base::Duration;
using base::MonotonicTime;

int SyncSchedule::spread(std::size_t nodes) {
  constexpr double kAlone = 128;
  if (nodes <= kAlone) return 1;
  return static_cast<int>(std::ceil(std::log2(static_cast<double>(nodes)) - std::log2(kAlone))) + 1;
}

Duration SyncSchedule::stagger(Duration most, std::size_t nodes) {
  const std::int64_t widest = most.nanoseconds * spread(nodes);
  if (widest <= 0) return {};
  return {static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(widest)))};
}

void SyncSchedule::compared(MonotonicTime now, std::size_t nodes) {
  told();
  next_ = now + options_.interval + stagger(options_.interval, nodes);
  recall(now, nodes);
}

void SyncSchedule::recall(MonotonicTime now, std::size_t nodes) {
  if (at_once_) next_ = now;
  if (server_came_) next_ = std::min(next_, now + stagger(kServerUp, nodes));
}

void SyncSchedule::failed(MonotonicTime now, std::size_t nodes, bool compared) {
  Duration pause = kLastRetry;
  if (options_.far) {
    pause.nanoseconds += stagger(kLastRetry, nodes).nanoseconds;
  } else {
    pause = retry_ = std::min({Duration{retry_.nanoseconds * 2}, kLastRetry, options_.interval});
  }
  next_ = compared ? now + pause : std::min(next_, now + pause);
  if (compared) recall(now, nodes);
}

void SyncSchedule::server_up(MonotonicTime now, std::size_t nodes) {
  next_ = std::min(next_, now + stagger(kServerUp, nodes));
  server_came_ = true;
}

}  // namespace proconsul::agent::local
