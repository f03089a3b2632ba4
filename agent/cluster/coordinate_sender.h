// Tells the catalog where this agent is in the network: its own coordinate in the LAN pool, from time to time.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "agent/cluster/pools.h"
#include "agent/rpc/caller.h"
#include "base/log.h"
#include "base/net/loop.h"
#include "base/random.h"
#include "base/time.h"

namespace proconsul::agent::cluster {

/// So often that `nodes` agents together send `rate` times a second, but not more often than `least`.
base::Duration scaled_interval(double rate, base::Duration least, std::size_t nodes);

class CoordinateSender {
 public:
  struct Options {
    std::string node{};
    std::string datacenter{};
    std::function<std::string()> token{};             // the agent's; unset: none
    std::function<bool()> ready{};                    // whether that can be known by now; unset: always
    double rate = 64;                                 // sync_coordinate_rate_target, of all agents
    base::Duration interval_min = base::seconds(15);  // sync_coordinate_interval_min
  };
  /// All outlive it. Lives on `loop`.
  CoordinateSender(base::net::Loop& loop, rpc::Caller& caller, const Pools& pools, Options options);
  /// Not on a loop.
  ~CoordinateSender();

 private:
  class Cycle;
  base::net::Loop& loop_;
  std::unique_ptr<Cycle> cycle_;
};

}  // namespace proconsul::agent::cluster
