// Time as something that is passed in: the operating system's in the process, a manual one in tests.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace proconsul::base {

/// A point on a clock that never goes back; only differences mean something.
struct MonotonicTime {
  std::int64_t nanoseconds{};
  auto operator<=>(const MonotonicTime&) const = default;
};
inline MonotonicTime operator+(MonotonicTime time, Duration duration) {
  return {time.nanoseconds + duration.nanoseconds};
}
inline MonotonicTime operator-(MonotonicTime time, Duration duration) {
  return {time.nanoseconds - duration.nanoseconds};
}
inline Duration operator-(MonotonicTime a, MonotonicTime b) {
  return {a.nanoseconds - b.nanoseconds};
}

class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonotonicTime now() const = 0;  // for timeouts and ages
  virtual Time wall() const = 0;          // for what people and other machines read; may jump
};

/// Safe to use from many threads.
class SystemClock final : public Clock {
 public:
  MonotonicTime now() const override;
  Time wall() const override;
};
const Clock& system_clock();

/// Stands still until it is moved.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Time wall = from_unix(1'700'000'000)) : wall_(wall) {}
  MonotonicTime now() const override { return now_; }
  Time wall() const override { return wall_; }

  void advance(Duration duration) {
    now_ = now_ + duration;
    wall_ = wall_ + duration;
  }
  /// The wall clock jumps, as when an operator sets it; monotonic time goes on.
  void set_wall(Time wall) { wall_ = wall; }

 private:
  MonotonicTime now_{};
  Time wall_;
};

}  // namespace proconsul::base
