#include "agent/server/leader_threads.h"

#include <chrono>
#include <future>
#include <memory>
#include <utility>

#include "catalog/commands.h"

namespace proconsul::agent::server {

using base::Errc;
using base::Error;
using base::Result;

LeaderThreads::~LeaderThreads() {
  stop();
}

void LeaderThreads::start(Work work) {
  threads_.emplace_back([this, work = std::move(work)] { run(work); });
}

void LeaderThreads::lead(bool leading) {
  const std::lock_guard lock(mutex_);
  if (term_) term_->request_stop();
  term_.reset();
  if (leading && !stopping_) term_.emplace();
  changed_.notify_all();
}

void LeaderThreads::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (term_) term_->request_stop();
    changed_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void LeaderThreads::run(const Work& work) {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || (term_ && !term_->stop_requested()); });
    if (stopping_) return;
    const std::stop_token over = term_->get_token();
    lock.unlock();
    work(over, [this, &over](base::Duration time) {
      std::unique_lock waiting(mutex_);
      return !changed_.wait_for(waiting, std::chrono::nanoseconds(time.nanoseconds),
                                [&over] { return over.stop_requested(); });
    });
    lock.lock();
  }
}

Result<> apply_as_leader(Server& server, std::string command) {
  if (!server.leadership().is_leader) return Error{Errc::not_leader, "node is not the leader"};
  const auto promise = std::make_shared<std::promise<Result<>>>();
  std::future<Result<>> applied = promise->get_future();
  server.apply(std::move(command), [promise](Result<catalog::ApplyResult> result) {
    const Error* error = result ? result->error() : &result.error();
    promise->set_value(error ? Result<>(*error) : Result<>());
  });
  return applied.get();
}

}  // namespace proconsul::agent::server
