// What became of the last rounds in which something was copied from the primary, for who wants to see it.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/time.h"

namespace proconsul::agent::server {

/// Any thread.
class ReplicationRecord {
 public:
  struct State {
    std::uint64_t index{};  // of the primary
    base::Time last_success{}, last_error{};
    std::string error{};
  };
  /// `clock` outlives it.
  explicit ReplicationRecord(const base::Clock& clock) : clock_(clock) {}

  void report(const base::Result<std::uint64_t>& round) {
    const std::lock_guard lock(mutex_);
    if (round) {
      state_.index = *round;
      state_.last_success = clock_.wall();
    } else {
      state_.last_error = clock_.wall();
      state_.error = round.error().detail;
    }
  }
  State state() const {
    const std::lock_guard lock(mutex_);
    return state_;
  }

 private:
  const base::Clock& clock_;
  mutable std::mutex mutex_{};
  State state_{};
};

}  // namespace proconsul::agent::server
