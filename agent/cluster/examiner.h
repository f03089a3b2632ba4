// Looks at the federation from where this server stands: what it sees by itself, and what comes of calling the others.
// What that means is said by agent/doctor.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/cluster/pools.h"
#include "agent/cluster/rpc_plane.h"
#include "agent/cluster/servers.h"
#include "agent/config/config.h"
#include "agent/doctor/findings.h"
#include "agent/server/acl_replication.h"
#include "agent/server/acl_settings.h"
#include "agent/server/config_replication.h"
#include "agent/server/federation_duties.h"
#include "agent/server/server.h"
#include "base/background.h"
#include "base/interrupt.h"
#include "base/net/loop.h"
#include "base/result.h"

namespace proconsul::agent::cluster {

class WanGateways;

class Examiner {
 public:
  /// All outlive it, or it is stopped before.
  struct Means {
    const config::Config& config;
    const std::string& node_id;
    base::net::Loops& loops;
    Pools& pools;
    Servers& servers;
    RpcPlane& plane;
    WanGateways* gateways;  // null: others are reached directly
    const server::Server& server;
    const server::AclSettings& acl;
    // Of a secondary; null: nothing is copied.
    const server::AclReplication* acls;
    const server::ConfigReplication* config_entries;
    const server::FederationDuties* federation;
  };
  explicit Examiner(Means means) : means_(means) {}
  ~Examiner() { stop(); }

  // Any thread; `done` comes from another one. Errc::unavailable: too many ask at a time, or it was stopped.
  void see(std::move_only_function<void(base::Result<doctor::View>)> done);
  void examine(std::string token, std::move_only_function<void(base::Result<doctor::Findings>)> done);
  /// What is under way is given up, and waited for. Idempotent; not from a loop.
  void stop();

 private:
  class Round;
  bool begin(std::move_only_function<void()> work, std::atomic<int>& running, int most);
  doctor::View look() const;
  void look_at_gossip(doctor::View& view) const;
  void look_at_copies(doctor::View& view) const;

  const Means means_;
  std::atomic<int> looks_{0}, examinations_{0};  // under way
  std::mutex mutex_{};                           // guards the beginning of more of them
  base::Interrupt stopping_{};
  std::stop_source over_{};
  base::Background background_{};
};

}  // namespace proconsul::agent::cluster
