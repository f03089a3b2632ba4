// The event loops: one thread each, one per core. A connection lives and dies on one loop, so nothing on it needs a
// lock.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

namespace proconsul::base::net {

class Loop;
using Clock = std::chrono::steady_clock;
using Task = std::move_only_function<void()>;

/// A deadline that belongs to one loop. Inactive after firing; destroying it cancels it. Use on the loop's thread only.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual ~Timer();
  /// Fires once at `deadline`; arming an armed timer moves it.
  void arm(Loop& loop, Clock::time_point deadline);
  void cancel();
  bool armed() const { return place_ != kNowhere; }
  Clock::time_point deadline() const { return deadline_; }

 protected:
  virtual void on_timer() = 0;

 private:
  friend class TimerHeap;
  static constexpr std::uint32_t kNowhere = 0xffffffff;
  Clock::time_point deadline_{};
  Loop* loop_ = nullptr;
  std::uint32_t place_ = kNowhere;
};

/// Something with a file descriptor that a loop watches, level-triggered. Use on the loop's thread only.
class Pollable {
 public:
  virtual ~Pollable() = default;
  /// `events` are epoll's. The object may destroy itself here.
  virtual void on_ready(std::uint32_t events) = 0;
};

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs `task` on this loop and destroys it, in order of posting; any thread. After stop() it is destroyed unrun.
  void post(Task task);
  /// Runs `task` on this loop and returns when it is done; from another thread, before stop().
  void run(Task task);
  /// Runs `task` once on this loop after `delay`; loop's thread only.
  void after(Clock::duration delay, Task task);
  bool is_current() const;
  /// The loop whose thread this is; only on such a thread.
  static Loop& current();

  /// Watches `fd` for `events` (epoll's EPOLLIN ...). The owner closes the fd after forget().
  void watch(int fd, std::uint32_t events, Pollable* target);
  void rewatch(int fd, std::uint32_t events, Pollable* target);
  void forget(int fd, Pollable* target);

  /// The time at which the current batch of events began: cheap, at most one batch old. Loop's thread only.
  Clock::time_point now() const;
  /// Memory that any handler on this loop may use until it returns (64 KiB): bytes are read here first, so that an idle
  /// connection owns no buffer.
  std::span<char> scratch();
  /// Which of the Loops this is.
  std::size_t number() const;

 private:
  friend class Loops;
  friend class Timer;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Starts `count` loops (0: one per core) and stops them together.
class Loops {
 public:
  explicit Loops(std::size_t count = 0);
  ~Loops();
  std::size_t size() const;
  Loop& operator[](std::size_t index);
  /// The next loop in turn, for new work that may live anywhere; any thread.
  Loop& next();
  /// Stops all loops after their current batch and joins their threads. Idempotent; not from a loop's own thread.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace proconsul::base::net
