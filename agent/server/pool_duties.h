// What the leader does about the members of the LAN pool: keeps them in the catalog, gives servers their place in raft,
// and runs autopilot. Everything that changes something happens on the thread of the leader's duties, which may wait.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/server/autopilot.h"
#include "agent/server/flap_damping.h"
#include "agent/server/mass_failure_brake.h"
#include "agent/server/registrar.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "catalog/types/register.h"
#include "gossip/serf/event.h"
#include "raft/core.h"

namespace proconsul::catalog {
struct Tables;
}

namespace proconsul::agent::server {

class PoolDuties {
 public:
  using Statistics = std::map<std::string, RaftStats>;  // by server ID
  /// What the duties are done with. Calls may wait, but for fetch_stats.
  struct Means {
    std::function<std::vector<gossip::serf::MemberPtr>()> members{};  // of the LAN pool, this server among them
    std::function<std::size_t()> suspects{};                          // of those that are alive
    std::function<raft::Status()> raft{};
    std::function<base::Result<>(const raft::MembershipChange&)> change_raft{};
    std::function<base::Result<>(std::string command)> apply{};
    /// Asks the servers for their raft's statistics; `done` gets those that answered in time, from any thread.
    std::function<void(const std::vector<ServerInfo>&, std::move_only_function<void(Statistics)> done)> fetch_stats{};
    std::function<void(const std::string& node)> force_leave{};  // a failed server has left, says the operator's brain
    std::function<void()> tell_of_leader{};                      // all agents, that this server is the one now
  };
  struct Options {
    std::string datacenter{};
    catalog::RegisterRequest self{};  // as this server's own node must stand while it is not there
  };

  PoolDuties(Options options, Means means, const base::Clock& clock);
  ~PoolDuties();
  PoolDuties(const PoolDuties&) = delete;

  /// How sudden and repeated failures are answered; from here on. Any thread.
  void configure(const MassFailureBrake::Settings& brake, const FlapDamping::Settings& damping);
  /// A member joined, failed, left or was reaped. Any thread; returns at once. Counts while this server leads.
  void member_changed(gossip::serf::MemberPtr member, Fate fate);

  // The thread of the duties.
  /// A term begins: nothing of an earlier one counts. `again`: this server led before, and only its state is another.
  void begin(bool again);
  /// This server leads no more: it holds nobody back.
  void end();
  bool has_changes() const;
  /// Every member as the catalog and raft should have it, and who went unseen.
  void reconcile(const catalog::Tables& tables);
  /// Those that changed. `tables`: of the version at that time.
  void take_changes(const std::function<void(const std::function<void(const catalog::Tables&)>&)>& with_tables);
  /// When autopilot looks or acts next.
  base::MonotonicTime due() const;
  void autopilot(const catalog::AutopilotConfig& config);

  /// Whose failures and returns the catalog is not told, on this server as leader. Any thread.
  struct Held {
    bool brake_enabled = false;
    MassFailureBrake::State brake{};
    bool damping_enabled = false;
    std::size_t damped = 0;
  };
  Held held() const;
  /// Of autopilot's last look on this server as leader; empty if it did not lead lately. Any thread.
  Autopilot health() const;

 private:
  void note(const catalog::Tables& tables, const gossip::serf::Member& member, Fate fate);
  void take_settings();
  bool weigh();
  void show_held();
  void settle(const catalog::Tables& tables, const gossip::serf::Member& member, Fate fate);
  base::Result<> register_alive(const catalog::Tables& tables, const gossip::serf::Member& member);
  std::optional<std::string> unstable(const gossip::serf::Member& member) const;
  base::Result<> give_place(const gossip::serf::Member& member);
  base::Result<> take_place(const gossip::serf::Member& member);
  bool is_self(const gossip::serf::Member& member) const;
  std::vector<ServerInfo> servers() const;
  void remove_dead();
  void fetch();

  const Options options_;
  const Means means_;
  const base::Clock& clock_;
  const base::log::Logger log_{"agent.server"};
  const base::log::Logger autopilot_log_{"agent.server.autopilot"};

  mutable std::mutex mutex_{};  // guards what follows
  std::deque<std::pair<gossip::serf::MemberPtr, Fate>> changes_{};
  Autopilot autopilot_{};
  std::optional<std::pair<MassFailureBrake::Settings, FlapDamping::Settings>> configured_{};  // and not yet taken
  Held held_{};
  // Answers arrive when they like, perhaps after this is gone.
  struct Fetched {
    std::mutex mutex{};
    Statistics statistics{};
  };
  std::shared_ptr<Fetched> fetched_ = std::make_shared<Fetched>();

  // Of the duties' thread.
  base::MonotonicTime look_at_{};
  base::MonotonicTime act_at_{};
  std::uint64_t asked_at_ = 0;  // the last index of this server's log when it asked the others
  MassFailureBrake brake_{};
  FlapDamping damping_{};
  bool brake_enabled_ = false;
  base::MonotonicTime remind_at_{};
  bool dead_may_go_ = false;  // a server was added: those it replaces may go now
};

}  // namespace proconsul::agent::server
