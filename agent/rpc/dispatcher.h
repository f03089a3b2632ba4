// Takes a call to where it is to be answered: here, by the leader, or in another datacenter; consistency and blocking
// of queries. rpc.md 6 and 8 of the wire reference.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/rpc/caller.h"
#include "agent/rpc/cluster.h"
#include "agent/rpc/method.h"
#include "agent/rpc/pool.h"
#include "agent/rpc/retry.h"
#include "base/net/loop.h"
#include "base/result.h"

namespace proconsul::agent::rpc {

/// How many calls of peers wait for a change. Any thread.
std::size_t blocking_calls();

class Dispatcher final : public Caller {
 public:
  struct Settings {
    std::string datacenter = "dc1";
    CallTimes times{};
  };

  /// All outlive it; its loops have ended, or it was stopped, before it dies.
  Dispatcher(base::net::Loops& loops, Services services, Cluster& cluster, Pool& pool, Settings settings);
  ~Dispatcher() override;
  /// What waits is answered "No cluster leader" or with what there is; not from a loop.
  void stop();

  std::unique_ptr<Running> call(base::net::Loop& loop, const Method& method, InvocationPtr invocation,
                                Finished done) override;

  /// The secret by which servers of this datacenter know each other; empty while ACLs are off.
  std::string server_token() const;
  bool leads() const { return services_.server.leadership().is_leader; }

 private:
  class Job;
  class Waits;
  friend class Job;

  base::net::Loops& loops_;
  Services services_;
  Cluster& cluster_;
  Pool& pool_;
  const Settings settings_;
  std::atomic<bool> stopping_{false};
  std::vector<std::unique_ptr<Waits>> waits_;  // one for each loop
};

}  // namespace proconsul::agent::rpc
