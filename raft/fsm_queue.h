// What waits for the FSM. One thread at a time works it off: the FSM thread, or the log thread when it is idle anyway.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "raft/doorbell.h"
#include "raft/fsm.h"
#include "raft/node_metrics.h"
#include "raft/saturation.h"
#include "raft/types.h"

namespace proconsul::raft {

/// Told once, with the response of the FSM (empty for anything but a command) or why there is none.
struct Completion {
  LogIndex index{};
  std::any response{};
};
using WhenApplied = std::move_only_function<void(base::Result<Completion>)>;

class FsmQueue {
 public:
  struct Waiter {
    LogIndex index{};
    WhenApplied callback{};
    std::chrono::steady_clock::time_point since{};
  };
  struct Work {
    std::vector<EntryPtr> entries{};
    std::vector<Waiter> waiters{};                                 // for some of the entries, in order
    std::optional<SnapshotMeta> restore{};                         // before the entries
    std::move_only_function<void(Fsm&, LogIndex applied)> call{};  // anything else, in turn
  };
  struct Reports {
    std::function<void(LogIndex)> applied;
    std::function<base::Result<std::unique_ptr<ByteSource>>(const SnapshotMeta&)> open;
    std::function<void(base::Error)> failed;  // a restore: the state cannot follow the log any more
  };

  FsmQueue(Fsm& fsm, LogIndex applied, Reports reports);
  ~FsmQueue();
  /// Drops what is queued; its waiters get `unavailable`.
  void stop();

  /// True if the caller must now see to it that the queue is worked off: by wake() or by run_here().
  [[nodiscard]] bool push(Work work);
  void wake();
  /// Works off small things on this thread until nothing is left, something large comes, or `busy` says that the thread
  /// has better to do; the FSM thread goes on then.
  void run_here(const std::function<bool()>& busy);

  LogIndex applied() const { return {applied_.load(std::memory_order_acquire)}; }
  std::size_t pending() const { return pending_.load(std::memory_order_relaxed); }
  /// Calls back once `index` is applied, perhaps at once, perhaps on another thread.
  void when_applied(LogIndex index, std::move_only_function<void(base::Result<LogIndex>)> callback);

 private:
  struct Reader {
    LogIndex index{};
    std::move_only_function<void(base::Result<LogIndex>)> callback{};
  };
  bool next(Work& work);
  void perform(Work& work);
  void work_off(Work& work);
  void publish(LogIndex applied);
  void apply(std::vector<EntryPtr>& entries, std::vector<Waiter>& waiters);
  void run();

  Fsm& fsm_;
  Reports reports_;
  Doorbell bell_;
  std::mutex entering_;
  std::deque<Work> waiting_;             // guarded by entering_
  std::vector<Reader> readers_;          // guarded by entering_
  bool owned_ = false;                   // guarded by entering_
  bool stopped_ = false;                 // guarded by entering_
  std::atomic<std::size_t> pending_{0};  // entries
  std::atomic<std::uint64_t> applied_;
  std::atomic<bool> has_readers_{false};
  std::vector<Applied> batch_;  // of the owner, as is the next
  Saturation saturation_{node_metrics().fsm_saturation};
  std::atomic<bool> handed_{false};  // the FSM thread is the owner now
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace proconsul::raft
