#include "agent/auth/logins.h"

#include <algorithm>
#include <utility>

#include "base/quote.h"

namespace proconsul::agent::auth {

using base::Errc;
using base::Error;
using base::Result;
using catalog::ACLAuthMethod;

namespace {

constexpr std::size_t kMostThreads = 16;
constexpr std::size_t kMostOfOneMethod = 4;
constexpr std::size_t kMostWaiting = 1024;
constexpr std::size_t kMostKnown = 256;

}  // namespace

Logins::Logins(base::net::Loop& loop, const base::Clock& clock, LoginLimits::Options limits)
    : clock_(clock), limits_(limits), web_(loop) {}

void Logins::stop() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
  }
  web_.stop();
  changed_.notify_all();
  for (std::thread& thread : threads) thread.join();
  std::deque<Job> left;
  {
    const std::lock_guard lock(mutex_);
    left.swap(jobs_);
  }
  for (Job& job : left) job.run(true);
}

void Logins::add(std::string method, std::move_only_function<void(bool)> run) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_ && jobs_.size() < kMostWaiting) {
      jobs_.push_back({std::move(method), std::move(run)});
      // Who was woken for another job still counts as idle.
      if (jobs_.size() > idle_ && threads_.size() < kMostThreads) threads_.emplace_back([this] { serve(); });
      run = nullptr;
    }
  }
  if (run) return run(true);
  changed_.notify_one();
}

std::deque<Logins::Job>::iterator Logins::next_job() {
  return std::ranges::find_if(jobs_, [this](const Job& job) {
    const auto running = running_.find(job.method);
    return running == running_.end() || running->second < kMostOfOneMethod;
  });
}

void Logins::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    auto next = next_job();
    while (!stopping_ && next == jobs_.end()) {
      ++idle_;
      changed_.wait(lock);
      --idle_;
      next = next_job();
    }
    if (stopping_) return;
    Job job = std::move(*next);
    jobs_.erase(next);
    ++running_[job.method];
    lock.unlock();
    job.run(false);
    job.run = nullptr;  // what it holds goes before the lock is taken
    lock.lock();
    if (--running_[job.method] == 0) running_.erase(job.method);
  }
}

void Logins::make(ACLAuthMethod method, Work work) {
  std::string name = method.Name;
  add(std::move(name), [this, method = std::move(method), work = std::move(work)](bool stopping) mutable {
    if (stopping) return work(Error{Errc::cancelled, "the server has too many logins to look at, or it stops"});
    work(make_method(method, Means{web_, clock_}));
  });
}

void Logins::use(ACLAuthMethod method, Work work) {
  std::string name = method.Name;
  add(std::move(name), [this, method = std::move(method), work = std::move(work)](bool stopping) mutable {
    if (stopping) return work(Error{Errc::cancelled, "the server has too many logins to look at, or it stops"});
    work(ready(method));
  });
}

Result<MethodPtr> Logins::ready(const ACLAuthMethod& method) {
  {
    const std::lock_guard lock(mutex_);
    const auto known = known_.find(method.Name);
    if (known != known_.end() && known->second.index == method.ModifyIndex) return known->second.method;
  }
  Result<MethodPtr> made = make_method(method, Means{web_, clock_});
  if (!made) {
    return Error{Errc::internal, "auth method validator for " + base::quote(method.Name) +
                                     " could not be initialized: " + made.error().detail};
  }
  const std::lock_guard lock(mutex_);
  // Methods that were deleted stay behind: now and then all begin anew.
  if (known_.size() >= kMostKnown) known_.clear();
  Known& known = known_[method.Name];
  if (known.index < method.ModifyIndex) known = {method.ModifyIndex, *made};
  return made;
}

}  // namespace proconsul::agent::auth
