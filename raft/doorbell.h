// Wakes one thread that waits for work, at the price of one atomic exchange when it is awake anyway.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace proconsul::raft {

class Doorbell {
 public:
  /// Any thread. Whatever was written before the call is seen by the thread that wakes.
  void ring();
  /// The one waiting thread: returns after a ring (also one since the last wait) or at the deadline.
  void wait(std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max());

 private:
  enum : std::uint32_t { kQuiet, kRung, kSleeping };
  std::atomic<std::uint32_t> state_{kQuiet};
};

}  // namespace proconsul::raft
