// Central configuration as servers tell it, this one or others.
#pragma once

#include <string>

#include "agent/local/central_config.h"
#include "agent/rpc/caller.h"
#include "base/net/loop.h"

namespace proconsul::agent::local {

class RpcCentralConfig final : public CentralConfig {
 public:
  /// Everything happens on one loop. All outlive it.
  RpcCentralConfig(base::net::Loops& loops, rpc::Caller& caller, std::string datacenter);

  void fetch(Question question, std::move_only_function<void(base::Result<Known>)> done) override;
  std::unique_ptr<Followed> follow(Question question, std::uint64_t after,
                                   std::function<void(const base::Result<Known>&)> changed) override;

 private:
  base::net::Loop& loop_;
  rpc::Caller& caller_;
  const std::string datacenter_;
};

}  // namespace proconsul::agent::local
