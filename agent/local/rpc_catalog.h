// The catalog of the servers, for a client agent.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_set>

#include "agent/local/catalog.h"
#include "agent/rpc/caller.h"
#include "base/net/loop.h"

namespace proconsul::agent::local {

class RpcCatalog final : public Catalog {
 public:
  struct Options {
    std::string node{};  // this agent's
    std::string datacenter{};
    std::function<std::string()> token{};  // the agent's; unset: none
  };
  /// Everything happens on one loop. All outlive it.
  RpcCatalog(base::net::Loops& loops, rpc::Caller& caller, Options options);
  /// Not on a loop; the local agent has ended.
  ~RpcCatalog() override;

  void fetch(std::move_only_function<void(base::Result<Remote>)> done) override;
  void submit(Step::Request request, std::move_only_function<void(base::Result<>)> done) override;
  std::unique_ptr<Followed> follow(const std::string& node, const std::string& service_id, const std::string& token,
                                   std::function<void()> changed) override;

 private:
  class FollowedNode;
  struct Job {
    Step::Request request;
    std::move_only_function<void(base::Result<>)> done;
  };

  void pump();
  void carry_out(Job job);

  base::net::Loop& loop_;
  rpc::Caller& caller_;
  const Options options_;
  // The loop's own.
  std::deque<Job> waiting_{};
  std::size_t under_way_ = 0;
  bool alone_ = false;  // the one under way is of the node itself, on which all others rest
};

}  // namespace proconsul::agent::local
