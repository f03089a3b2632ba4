#include "base/task_thread.h"

#include <utility>

namespace proconsul::base {

TaskThread::TaskThread() : thread_([this] { run(); }) {}

TaskThread::~TaskThread() {
  stop();
}

void TaskThread::post(Task task) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  tasks_.push_back(std::move(task));
  changed_.notify_one();
}

void TaskThread::after(std::chrono::nanoseconds delay, Task task) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  later_.emplace(std::chrono::steady_clock::now() + delay, std::move(task));
  changed_.notify_one();
}

void TaskThread::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
  // What they held may post again: without the lock.
  std::deque<Task> left;
  std::multimap<std::chrono::steady_clock::time_point, Task> later;
  {
    const std::lock_guard lock(mutex_);
    left.swap(tasks_);
    later.swap(later_);
  }
}

void TaskThread::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (stopping_) return;
    while (!later_.empty() && later_.begin()->first <= std::chrono::steady_clock::now()) {
      tasks_.push_back(std::move(later_.begin()->second));
      later_.erase(later_.begin());
    }
    if (tasks_.empty()) {
      later_.empty() ? changed_.wait(lock) : void(changed_.wait_until(lock, later_.begin()->first));
      continue;
    }
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = nullptr;  // what it held goes without the lock
    lock.lock();
  }
}

}  // namespace proconsul::base
