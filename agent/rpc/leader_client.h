// The leader when it is another server, asked by RPC: changes go by the method that belongs to their command, and how
// far its state is by two questions that any Consul server answers.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "agent/rpc/cluster.h"
#include "agent/rpc/dispatcher.h"
#include "agent/rpc/pool.h"
#include "agent/server/remote_leader.h"
#include "base/net/loop.h"

namespace proconsul::agent::rpc {

class LeaderClient final : public server::RemoteLeader {
 public:
  /// All outlive it.
  LeaderClient(base::net::Loops& loops, Cluster& cluster, Pool& pool, base::Duration hold_timeout)
      : loops_(loops), cluster_(cluster), pool_(pool), hold_timeout_(hold_timeout) {}
  /// Before this there is no leader: the server that the dispatcher serves is made with this object.
  void attach(Dispatcher& dispatcher) { dispatcher_.store(&dispatcher, std::memory_order_release); }
  /// Before the dispatcher goes.
  void detach() { dispatcher_.store(nullptr, std::memory_order_release); }

  void apply(std::string command, server::ApplyDone done) override;
  void read_index(std::move_only_function<void(base::Result<std::uint64_t>)> done) override;
  void renew_session(const std::string& id, server::Done done) override;
  void health(std::move_only_function<void(base::Result<server::Operator::Health>)> done) override;
  void after(base::Duration delay, base::net::Task task) override;

 private:
  class Question;

  base::net::Loops& loops_;
  Cluster& cluster_;
  Pool& pool_;
  const base::Duration hold_timeout_;
  std::atomic<Dispatcher*> dispatcher_{nullptr};
};

}  // namespace proconsul::agent::rpc
