// How busy one of raft's threads is: raft.thread.*.saturation, the fraction of the time that it worked, once in a
// second in which it did.
#pragma once

#include <chrono>

#include "base/metrics.h"

namespace proconsul::raft {

/// Used by one thread at a time.
class Saturation {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  explicit Saturation(base::metrics::Sample sample) : sample_(sample) {}
  void worked(Instant begin, Instant end) {
    busy_ += end - begin;
    const std::chrono::duration<double> passed = end - window_;
    if (passed < std::chrono::seconds(1)) return;
    sample_.add(std::chrono::duration<double>(busy_) / passed);
    busy_ = {};
    window_ = end;
  }

 private:
  base::metrics::Sample sample_;
  Instant window_ = std::chrono::steady_clock::now();
  Instant::duration busy_{};
};

}  // namespace proconsul::raft
