// Central configuration as servers tell it, this one or others.
#pragma once

#include <functional>
#include <string>

#include "agent/local/central_config.h"
#include "agent/rpc/caller.h"
#include "base/net/loop.h"

namespace proconsul::agent::local {

class RpcCentralConfig final : public CentralConfig {
 public:
  /// Everything happens on one loop. All outlive it. What is followed is asked for once `ready`, if that is set: as
  /// long as the tokens of services cannot be known, nobody is refused.
  RpcCentralConfig(base::net::Loops& loops, rpc::Caller& caller, std::string datacenter,
                   std::function<bool()> ready = {});

  void fetch(Question question, std::move_only_function<void(base::Result<Known>)> done) override;
  std::unique_ptr<Followed> follow(Question question, std::uint64_t after,
                                   std::function<void(const base::Result<Known>&)> changed) override;

 private:
  base::net::Loop& loop_;
  rpc::Caller& caller_;
  const std::string datacenter_;
  const std::function<bool()> ready_;
};

}  // namespace proconsul::agent::local
