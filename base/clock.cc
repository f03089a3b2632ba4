#include "base/clock.h"

#include <ctime>

namespace proconsul::base {

MonotonicTime SystemClock::now() const {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return {now.tv_sec * 1'000'000'000 + now.tv_nsec};
}

Time SystemClock::wall() const {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return from_unix(now.tv_sec, static_cast<std::int32_t>(now.tv_nsec));
}

const Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

}  // namespace proconsul::base
