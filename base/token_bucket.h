// How often something may happen: a burst at once, a rate in the long run.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

namespace proconsul::base {

/// Lets `burst` through at once and `rate` a second in the long run; begins full. One thread at a time.
class TokenBucket {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr double kUnlimited = std::numeric_limits<double>::max();
  void set(double rate, std::int64_t burst);
  bool take(Clock::time_point now);

 private:
  double rate_ = kUnlimited;
  double burst_ = 0, tokens_ = 0;
  Clock::time_point filled_{};
};

}  // namespace proconsul::base
