#include "agent/rpc/waiting_call.h"

#include <condition_variable>
#include <mutex>
#include <optional>

namespace proconsul::agent::rpc {

using base::Errc;
using base::Error;
using base::Result;

namespace {

/// One call, from when it is posted to its loop until it was answered or given up.
struct Waiting {
  std::mutex mutex{};
  std::condition_variable_any changed{};
  std::optional<Result<>> answer{};
  std::unique_ptr<Running> running{};  // of the loop
  bool given_up = false;               // of the loop
};

}  // namespace

Result<> call_and_wait(Caller& caller, base::net::Loops& loops, const Method& method, InvocationPtr invocation,
                       const std::stop_token& over) {
  auto waiting = std::make_shared<Waiting>();
  base::net::Loop& loop = loops.next();
  loop.post([&caller, &loop, &method, waiting, invocation = std::move(invocation)] {
    if (waiting->given_up) return;
    waiting->running = caller.call(loop, method, invocation, [&loop, waiting](Result<> result) {
      loop.post([dead = std::move(waiting->running)] {});  // it is on the stack
      const std::lock_guard lock(waiting->mutex);
      waiting->answer = std::move(result);
      waiting->changed.notify_all();
    });
  });
  std::unique_lock lock(waiting->mutex);
  if (waiting->changed.wait(lock, over, [&] { return waiting->answer.has_value(); })) return *waiting->answer;
  lock.unlock();
  loop.post([waiting] {
    waiting->given_up = true;
    waiting->running.reset();
  });
  return Error{Errc::unavailable, "given up"};
}

}  // namespace proconsul::agent::rpc
