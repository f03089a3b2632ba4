#include "raft/strand.h"

#include <chrono>
#include <utility>

namespace proconsul::raft {
namespace {
// A guest (an HTTP loop, say) has its own work to do.
constexpr int kGuestRounds = 16;
constexpr int kHostRounds = 1 << 16;
}  // namespace

void Strand::post(Job job) {
  {
    const std::lock_guard lock(entering_);
    waiting_.push_back(std::move(job));
    if (running_) return;
    running_ = true;
  }
  run(kGuestRounds);
}

void Strand::run_on() {
  if (relief_.exchange(false, std::memory_order_acq_rel)) run(kHostRounds);
}

void Strand::settle() {
  for (;; std::this_thread::yield()) {
    run_on();
    const std::lock_guard lock(entering_);
    if (!running_) return;
  }
}

void Strand::run(int rounds) {
  runner_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  auto begun = std::chrono::steady_clock::now();
  for (;;) {
    {
      const std::lock_guard lock(entering_);
      if (waiting_.empty()) {
        runner_.store({}, std::memory_order_relaxed);
        running_ = false;
        return;
      }
      round_.swap(waiting_);
    }
    if (rounds-- == 0) {
      {
        const std::lock_guard lock(entering_);
        // What came in between goes behind what was taken already.
        for (Job& job : waiting_) round_.push_back(std::move(job));
        waiting_.clear();
        round_.swap(waiting_);
      }
      runner_.store({}, std::memory_order_relaxed);
      relief_.store(true, std::memory_order_release);
      relieve_();
      return;
    }
    for (Job& job : round_) job();
    round_.clear();
    after_round_();
    const auto ended = std::chrono::steady_clock::now();
    saturation_.worked(std::exchange(begun, ended), ended);
  }
}

}  // namespace proconsul::raft
