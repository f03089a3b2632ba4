// Runs the jobs of `exec` on this agent: reads a job from the key-value store, and writes there that it has begun, what
// it puts out, and its exit code, each under the lock of the session of who asked. Once that is gone, nothing is
// written.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/event/user_event.h"
#include "agent/rpc/caller.h"
#include "base/net/loop.h"

namespace proconsul::agent::event {

class RemoteExec {
 public:
  struct Options {
    std::string node{};  // this agent's
    std::string datacenter{};
    /// The agent's token, with which it reads and writes. Any thread.
    std::function<std::string()> token{};
  };
  /// All outlive it. Lives on `loop`.
  RemoteExec(base::net::Loop& loop, rpc::Caller& caller, Options options);
  ~RemoteExec();

  /// Begins what the event asks for; any thread.
  void run(UserEvent event);
  /// Jobs run on, but nobody hears of them any more; before the loops stop. Idempotent; one
  /// thread, not on a loop.
  void stop();

 private:
  class Job;
  struct Jobs;
  base::net::Loop& loop_;
  const std::shared_ptr<Jobs> jobs_;  // the loop's own
  bool stopped_ = false;
};

}  // namespace proconsul::agent::event
