// What the leader does besides deciding the log: opens its term in the state, looks after the pool's members, ends
// sessions, reaps tombstones. Runs on a thread of its own that sleeps until something is due.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/server/acl_duties.h"
#include "agent/server/leader_clocks.h"
#include "agent/server/pool_duties.h"
#include "agent/server/server.h"
#include "base/clock.h"
#include "base/log.h"
#include "catalog/types/config_entry.h"
#include "catalog/types/register.h"
#include "catalog/types/system.h"

namespace proconsul::agent::mesh {
class Authority;
}

namespace proconsul::agent::server {

class AclReplication;
class ApiGatewayDuties;
class ConfigReplication;
class FederationDuties;

class LeaderDuties {
 public:
  struct Options {
    catalog::RegisterRequest self{};       // this server's node, as its agent registers it
    catalog::AutopilotConfig autopilot{};  // written if there is none yet
    std::string datacenter{};
    PoolDuties::Means means{};  // all but `apply`
    AclSettings acl{};
    // These run while this server leads, and outlive this; null: there is none.
    AclReplication* acl_replication = nullptr;
    ConfigReplication* config_replication = nullptr;
    FederationDuties* federation = nullptr;
    ApiGatewayDuties* api_gateways = nullptr;
    mesh::Authority* authority = nullptr;
    std::vector<catalog::ConfigEntryPtr> config_entries{};  // written in the primary datacenter unless they are there
    bool connect_enabled = false;
    MassFailureBrake::Settings brake{};
    FlapDamping::Settings damping{};
  };
  /// Waits until all that was committed before is applied here; an error when leadership is lost.
  using Barrier = std::function<base::Result<>()>;

  LeaderDuties(Options options, Server& server, LeaderClocks& clocks, const base::Clock& clock, Barrier barrier);
  ~LeaderDuties();

  /// Any thread; returns at once.
  void leadership(bool leading);
  /// The state was replaced: does again what opens a term, then calls back. Any thread.
  void open_term_again(Done done);
  /// A deadline may have come nearer.
  void wake();
  /// Something became of a member of the LAN pool. Any thread; returns at once.
  void member_changed(gossip::serf::MemberPtr member, Fate fate);
  /// Takes effect soon. Any thread.
  void configure(const MassFailureBrake::Settings& brake, const FlapDamping::Settings& damping);
  /// Other entries to be written if there are none yet; soon, if this server leads. Any thread.
  void configure(std::vector<catalog::ConfigEntryPtr> config_entries);
  PoolDuties::Held held() const { return pool_.held(); }
  /// What autopilot saw last, while this server leads.
  Autopilot autopilot() const { return pool_.health(); }
  /// Ends the thread. No command is under way afterwards.
  void stop();

 private:
  void run();
  void lead(std::unique_lock<std::mutex>& lock);
  base::Result<> open_term(bool again);
  base::Result<> bootstrap();
  void lead_others(bool leading);
  base::Result<> set_metadata(std::string_view key, std::string_view value);
  PoolDuties::Means means();
  void reconcile();
  void look_after_pool();
  void expire();
  base::Result<> apply(std::string command);
  bool still_leading() const { return leading_ && !stopping_; }

  const Options options_;
  Server& server_;
  LeaderClocks& clocks_;
  const base::Clock& clock_;
  const Barrier barrier_;
  const base::log::Logger log_{"agent.server"};
  PoolDuties pool_;
  AclDuties acl_;
  std::mutex mutex_{};
  std::condition_variable changed_{};
  bool leading_ = false;
  bool stopping_ = false;
  std::uint64_t term_ = 0;      // counts changes of leadership: a duty of an older one ends
  bool begun_ = false;          // the duties have, since the last change of leadership
  std::vector<Done> opened_{};  // to be told when the term is open
  std::vector<catalog::ConfigEntryPtr> config_entries_;
  bool bootstrap_due_ = false;  // other entries than when the term was opened
  std::thread thread_{};
};

}  // namespace proconsul::agent::server
