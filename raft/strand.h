// Runs jobs one after the other on whichever thread brings one while nobody else is at it. State that only jobs touch
// needs no lock, and a job seldom waits for a thread to wake up.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "raft/node_metrics.h"
#include "raft/saturation.h"

namespace proconsul::raft {

class Strand {
 public:
  using Job = std::move_only_function<void()>;
  /// `after_round` runs after each group of jobs. A thread that has run many rounds calls `relieve`: some thread of the
  /// owner's must then call run_on(), soon.
  Strand(std::move_only_function<void()> after_round, std::move_only_function<void()> relieve)
      : after_round_(std::move(after_round)), relieve_(std::move(relieve)) {}

  void post(Job job);
  /// Goes on if a busy thread asked for relief; nothing otherwise.
  void run_on();
  /// Waits until nothing runs and nothing waits.
  void settle();
  bool running_here() const { return runner_.load(std::memory_order_relaxed) == std::this_thread::get_id(); }

 private:
  void run(int rounds);

  std::move_only_function<void()> after_round_, relieve_;
  std::mutex entering_;
  std::vector<Job> waiting_;  // guarded by entering_
  bool running_ = false;      // guarded by entering_: some thread runs jobs, or has asked for relief
  std::vector<Job> round_;    // of the running thread, as is the next
  Saturation saturation_{node_metrics().main_saturation};
  std::atomic<bool> relief_{false};
  std::atomic<std::thread::id> runner_{};
};

}  // namespace proconsul::raft
