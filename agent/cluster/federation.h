// Gossip as the methods of RPC see it.
#pragma once

#include <string>
#include <vector>

#include "agent/cluster/pools.h"
#include "agent/rpc/federation.h"

namespace proconsul::agent::cluster {

class Federation final : public rpc::Federation {
 public:
  /// `pools` outlives it.
  Federation(Pools& pools, std::string datacenter) : pools_(pools), datacenter_(std::move(datacenter)) {}

  std::vector<std::string> datacenters() const override;
  base::List<catalog::DatacenterMap> coordinates() const override;
  bool on_wan() const override { return pools_.has_wan(); }
  void user_event(std::string name, std::string payload, std::move_only_function<void(base::Result<>)> done) override;
  void key_operation(bool wan, gossip::serf::KeyOperation operation, std::string key, std::uint8_t relay_factor,
                     gossip::serf::KeyDone done) override;

 private:
  Pools& pools_;
  const std::string datacenter_;
};

}  // namespace proconsul::agent::cluster
