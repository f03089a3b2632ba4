// A thread that runs what it is given, one after the other.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

namespace proconsul::base {

class TaskThread {
 public:
  using Task = std::move_only_function<void()>;
  TaskThread();
  ~TaskThread();
  TaskThread(const TaskThread&) = delete;
  TaskThread& operator=(const TaskThread&) = delete;

  /// In order; any thread. After stop() it is destroyed unrun.
  void post(Task task);
  /// The same, after a while.
  void after(std::chrono::nanoseconds delay, Task task);
  /// Ends after the task that runs; those that wait are destroyed unrun. Idempotent; not from a task.
  void stop();

 private:
  void run();

  std::mutex mutex_{};  // guards what follows
  std::condition_variable changed_{};
  std::deque<Task> tasks_{};
  std::multimap<std::chrono::steady_clock::time_point, Task> later_{};
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace proconsul::base
