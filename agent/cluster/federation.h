// Gossip as the methods of RPC see it.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "agent/cluster/pools.h"
#include "agent/cluster/servers.h"
#include "agent/rpc/federation.h"

namespace proconsul::agent::cluster {

class Examiner;

class Federation final : public rpc::Federation {
 public:
  /// `pools` and `servers` outlive it.
  Federation(Pools& pools, const Servers& servers, std::string datacenter, std::string primary_datacenter)
      : pools_(pools),
        servers_(servers),
        datacenter_(std::move(datacenter)),
        primary_datacenter_(std::move(primary_datacenter)) {}

  std::vector<std::string> datacenters() const override;
  base::List<catalog::DatacenterMap> coordinates() const override;
  bool on_wan() const override { return pools_.has_wan(); }
  /// Once true it stays so: a server of an older version that comes later breaks nothing that there was before.
  bool has_federation_states() const override;
  void user_event(std::string name, std::string payload, std::move_only_function<void(base::Result<>)> done) override;
  void see(std::move_only_function<void(base::Result<doctor::View>)> done) override;
  void examine(std::string token, std::move_only_function<void(base::Result<doctor::Findings>)> done) override;
  /// Who looks; before anybody asks. Outlives this.
  void use(Examiner& examiner) { examiner_ = &examiner; }
  void key_operation(bool wan, gossip::serf::KeyOperation operation, std::string key, std::uint8_t relay_factor,
                     gossip::serf::KeyDone done) override;

 private:
  Pools& pools_;
  const Servers& servers_;
  const std::string datacenter_;
  const std::string primary_datacenter_;
  Examiner* examiner_ = nullptr;
  mutable std::atomic<bool> has_federation_states_ = false;
};

}  // namespace proconsul::agent::cluster
