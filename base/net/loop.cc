#include "base/net/loop.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace proconsul::base::net {

/// Deadlines of one loop, earliest first. Each timer knows its place, so cancelling is a sift, not a search.
class TimerHeap {
 public:
  void arm(Timer& timer, Loop& loop, Clock::time_point deadline) {
    if (!timer.armed()) {
      timer.loop_ = &loop;
      timer.place_ = static_cast<std::uint32_t>(heap_.size());
      heap_.push_back(&timer);
    }
    timer.deadline_ = deadline;
    sift(timer.place_);
  }
  void remove(Timer& timer) {
    const std::uint32_t place = timer.place_;
    timer.place_ = Timer::kNowhere;
    Timer* last = heap_.back();
    heap_.pop_back();
    if (last == &timer) return;
    put(place, last);
    sift(place);
  }
  /// The earliest deadline, or null.
  Timer* first() const { return heap_.empty() ? nullptr : heap_.front(); }
  void fire(Timer& timer) {
    remove(timer);
    timer.on_timer();
  }
  void abandon() {
    for (Timer* timer : heap_) timer->place_ = Timer::kNowhere;
    heap_.clear();
  }

 private:
  void put(std::uint32_t place, Timer* timer) {
    heap_[place] = timer;
    timer->place_ = place;
  }
  void sift(std::uint32_t place) {
    Timer* timer = heap_[place];
    while (place > 0 && timer->deadline_ < heap_[(place - 1) / 2]->deadline_) {
      put(place, heap_[(place - 1) / 2]);
      place = (place - 1) / 2;
    }
    for (;;) {
      std::uint32_t child = place * 2 + 1;
      if (child >= heap_.size()) break;
      if (child + 1 < heap_.size() && heap_[child + 1]->deadline_ < heap_[child]->deadline_) ++child;
      if (heap_[child]->deadline_ >= timer->deadline_) break;
      put(place, heap_[child]);
      place = child;
    }
    put(place, timer);
  }
  std::vector<Timer*> heap_;
};

namespace {

thread_local Loop* current_loop = nullptr;

/// A task that runs once after a delay and then frees itself.
struct Delayed final : Timer {
  Delayed(Task body, std::vector<Delayed*>& all) : task(std::move(body)), siblings(all) { siblings.push_back(this); }
  void on_timer() override {
    std::erase(siblings, this);
    Task body = std::move(task);
    delete this;
    body();
  }
  Task task;
  std::vector<Delayed*>& siblings;
};

}  // namespace

struct Loop::Impl {
  explicit Impl(Loop& loop) : self(loop), scratch(64 * 1024) {
    epoll = epoll_create1(EPOLL_CLOEXEC);
    bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    // Edge-triggered: each ring is one event, and nobody has to read it away.
    epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.ptr = this}};
    if (epoll < 0 || bell < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, bell, &event) != 0) {
      std::perror("event loop");
      std::abort();
    }
  }
  ~Impl() {
    ::close(bell);
    ::close(epoll);
  }

  // One system call a round while there is work. A thread that posts something rings only if this one sleeps.
  void run() {
    current_loop = &self;
    char name[16];
    std::snprintf(name, sizeof name, "loop-%zu", number);
    pthread_setname_np(pthread_self(), name);
    while (!stopping.load(std::memory_order_acquire)) {
      const int count =
          epoll_wait(epoll, events.data(), static_cast<int>(events.size()), may_sleep() ? until_due() : 0);
      asleep.store(false, std::memory_order_relaxed);
      serve(count);
      drain();
      fire();
    }
    current_loop = nullptr;
  }

  /// True if nothing is posted; then the next post rings.
  bool may_sleep() {
    std::lock_guard lock(mutex);
    if (!queue.empty()) return false;
    asleep.store(true, std::memory_order_relaxed);
    return true;
  }

  /// Milliseconds to the earliest deadline, not too few; -1 without one.
  int until_due() const {
    const Timer* first = timers.first();
    if (!first) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(first->deadline() - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
  }

  void serve(int count) {
    now = Clock::now();
    pending_end = count;
    for (pending = 0; pending < pending_end; ++pending) {
      const epoll_event& event = events[static_cast<std::size_t>(pending)];
      if (event.data.ptr == this) continue;  // the bell
      if (event.data.ptr) static_cast<Pollable*>(event.data.ptr)->on_ready(event.events);
    }
    pending = pending_end = 0;
  }

  void drain() {
    {
      std::lock_guard lock(mutex);
      if (queue.empty()) return;
      batch.swap(queue);
    }
    now = Clock::now();
    for (Task& task : batch) {
      task();
      task = nullptr;  // what it owned goes before the next runs: that may be the end of what it refers to
    }
    batch.clear();
    if (batch.capacity() > 4096) std::vector<Task>().swap(batch);
  }

  void fire() {
    if (!timers.first() || timers.first()->deadline() > now) return;
    now = Clock::now();
    while (Timer* due = timers.first()) {
      if (due->deadline() > now) break;
      timers.fire(*due);
    }
  }

  void ring() {
    const std::uint64_t once = 1;
    // It fails only when 2^64 rings have been counted: then the event is there already.
    [[maybe_unused]] const ssize_t written = ::write(bell, &once, sizeof once);
  }

  void stop() {
    stopping.store(true, std::memory_order_release);
    ring();
  }

  Loop& self;
  int epoll = -1;
  int bell = -1;
  TimerHeap timers;
  std::vector<Delayed*> delayed;
  Clock::time_point now = Clock::now();
  std::array<epoll_event, 128> events{};
  int pending = 0;
  int pending_end = 0;
  std::vector<char> scratch;
  std::size_t number = 0;
  std::vector<Task> batch;  // what runs now; kept for its memory
  std::atomic<bool> stopping = false;
  std::atomic<bool> asleep = false;

  std::mutex mutex;
  std::vector<Task> queue;  // guarded by mutex
};

Timer::~Timer() {
  cancel();
}

void Timer::arm(Loop& loop, Clock::time_point deadline) {
  loop.impl_->timers.arm(*this, loop, deadline);
}

void Timer::cancel() {
  if (armed()) loop_->impl_->timers.remove(*this);
}

Loop::Loop() : impl_(std::make_unique<Impl>(*this)) {}

Loop::~Loop() {
  for (Delayed* delayed : std::exchange(impl_->delayed, {})) delete delayed;
  impl_->timers.abandon();
}

void Loop::post(Task task) {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->queue.push_back(std::move(task));
    if (!impl_->asleep.exchange(false, std::memory_order_relaxed)) return;
  }
  impl_->ring();
}

void Loop::run(Task task) {
  std::promise<void> done;
  post([&] {
    task();
    done.set_value();
  });
  done.get_future().wait();
}

void Loop::after(Clock::duration delay, Task task) {
  auto* delayed = new Delayed(std::move(task), impl_->delayed);
  delayed->arm(*this, Clock::now() + delay);
}

Loop& Loop::current() {
  return *current_loop;
}
bool Loop::is_current() const {
  return current_loop == this;
}
Clock::time_point Loop::now() const {
  return impl_->now;
}
std::span<char> Loop::scratch() {
  return impl_->scratch;
}
std::size_t Loop::number() const {
  return impl_->number;
}

void Loop::watch(int fd, std::uint32_t events, Pollable* target) {
  epoll_event event{.events = events, .data = {.ptr = target}};
  if (epoll_ctl(impl_->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
    // Out of kernel memory: the descriptor is treated as broken, which its owner sees at once.
    post([target] { target->on_ready(EPOLLERR | EPOLLHUP); });
  }
}

void Loop::rewatch(int fd, std::uint32_t events, Pollable* target) {
  epoll_event event{.events = events, .data = {.ptr = target}};
  epoll_ctl(impl_->epoll, EPOLL_CTL_MOD, fd, &event);
}

void Loop::forget(int fd, Pollable* target) {
  epoll_ctl(impl_->epoll, EPOLL_CTL_DEL, fd, nullptr);
  // Events of this batch that are still to come must not reach a dead object.
  for (int i = impl_->pending + 1; i < impl_->pending_end; ++i) {
    if (impl_->events[i].data.ptr == target) impl_->events[i].data.ptr = nullptr;
  }
}

struct Loops::Impl {
  std::vector<std::unique_ptr<Loop>> loops;
  std::vector<std::thread> threads;
  std::atomic<std::size_t> turn = 0;
};

Loops::Loops(std::size_t count) : impl_(std::make_unique<Impl>()) {
  if (count == 0) count = std::max(1u, std::thread::hardware_concurrency());
  std::signal(SIGPIPE, SIG_IGN);  // a closed peer is an error of the write, not the end of the process
  // As many connections as the administrator allows, not as many as programs get that use select().
  if (rlimit files{}; getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  for (std::size_t i = 0; i < count; ++i) {
    impl_->loops.push_back(std::make_unique<Loop>());
    impl_->loops.back()->impl_->number = i;
  }
  for (const auto& loop : impl_->loops) impl_->threads.emplace_back([inner = loop->impl_.get()] { inner->run(); });
}

Loops::~Loops() {
  stop();
}

std::size_t Loops::size() const {
  return impl_->loops.size();
}
Loop& Loops::operator[](std::size_t index) {
  return *impl_->loops[index];
}
Loop& Loops::next() {
  return *impl_->loops[impl_->turn.fetch_add(1, std::memory_order_relaxed) % impl_->loops.size()];
}

void Loops::stop() {
  for (const auto& loop : impl_->loops) loop->impl_->stop();
  for (std::thread& thread : impl_->threads) thread.join();
  impl_->threads.clear();
}

}  // namespace proconsul::base::net
