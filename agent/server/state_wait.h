// For threads that wait until something of the replicated state changes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <vector>

#include "base/time.h"
#include "base/watch.h"

namespace proconsul::agent::server {

/// Outlives the server, whose last report may still be under way. One thread waits.
class StateWait final : public base::WakeSink {
 public:
  void wake(std::vector<std::uint64_t>) override {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  }
  /// Until the watch, which names this, has fired, the time has passed or it is over.
  void wait(const base::Watch& watch, base::Duration most, const std::stop_token& over) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, over, std::chrono::nanoseconds(most.nanoseconds), [&watch] { return watch.fired(); });
  }

 private:
  std::mutex mutex_{};
  std::condition_variable_any changed_{};
};

}  // namespace proconsul::agent::server
