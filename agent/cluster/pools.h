// The gossip pools of an agent: the LAN's, and on servers the WAN's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/config.h"
#include "agent/server/registrar.h"
#include "agent/server/server_info.h"
#include "base/background.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/net/loop.h"
#include "base/result.h"
#include "gossip/pool.h"

namespace proconsul::agent::cluster {

class Flood;
class WanGateways;

class Pools {
 public:
  using Done = std::move_only_function<void(base::Result<>)>;
  /// What is told, on the loop's thread; short.
  struct Events {
    std::function<void(const gossip::serf::MemberPtr&, server::Fate)> lan_member{}, wan_member{};
    std::function<void()> leader_elected{};
    std::function<void(std::string_view name, std::string_view payload, std::uint64_t ltime)> user_event{};
  };

  /// `own`: what this agent's tags say. Both pools live on `loop`. `gateways` outlive it, by which the WAN pool reaches
  /// other datacenters; null: directly.
  static base::Result<std::unique_ptr<Pools>> start(base::net::Loop& loop, const config::Config& config,
                                                    const server::ServerInfo& own, Events events,
                                                    WanGateways* gateways = nullptr);
  ~Pools();
  Pools(const Pools&) = delete;

  bool has_wan() const { return wan_ != nullptr; }
  /// By name; none of a pool that does not exist. Any thread, no lock.
  std::vector<gossip::serf::MemberPtr> members(bool wan) const;
  gossip::PoolViewPtr view(bool wan) const;
  gossip::serf::Stats stats(bool wan) const;

  // Any thread; what is called back is called on the loop's.
  /// How many were joined; the error lists why none was, as Consul does. Errc::internal.
  void join(std::vector<std::string> addresses, bool wan, std::move_only_function<void(base::Result<int>)> done);
  /// The same, and waits for it; not on the loop's thread. Errc::cancelled once `stopping` is raised.
  base::Result<int> join_and_wait(std::vector<std::string> addresses, bool wan, const base::Interrupt& stopping);
  /// A failed member is taken for one that left, in both pools unless `wan` says in that one alone. Errc::internal:
  /// "agent: No node found with name 'x'".
  void force_leave(const std::string& node, bool prune, bool wan, Done done);
  /// Says goodbye, on the WAN first.
  void leave(Done done);
  /// To everybody on the LAN.
  void user_event(std::string name, std::string payload, Done done);
  void key_operation(bool wan, gossip::serf::KeyOperation operation, std::string key, std::uint8_t relay_factor,
                     gossip::serf::KeyDone done);

 private:
  class Handler;
  Pools(base::net::Loop& loop, Events events, WanGateways* gateways);
  void joined(bool wan, std::vector<std::string> errors, base::Result<gossip::swim::JoinOutcome> outcome,
              std::move_only_function<void(base::Result<int>)> done);
  void begin_flood();
  gossip::Pool* pool(bool wan) const { return wan ? wan_.get() : lan_.get(); }

  const Events events_;
  const base::log::Logger log_{"agent"};
  base::net::Loop& loop_;
  WanGateways* const gateways_;
  std::string datacenter_{};
  bool is_server_ = true;
  std::uint16_t lan_port_ = 0;  // of those who are joined without one
  std::uint16_t wan_port_ = 0;
  std::unique_ptr<Handler> lan_handler_{};
  std::unique_ptr<Handler> wan_handler_{};
  std::unique_ptr<gossip::Pool> lan_{};
  std::unique_ptr<gossip::Pool> wan_{};
  std::unique_ptr<Flood> flood_{};  // null: there is no WAN
  base::Background resolvers_{};    // wait for name servers; end before the pools
};

/// Go's multierror: "2 errors occurred:\n\t* a\n\t* b\n\n".
std::string list_errors(const std::vector<std::string>& errors);

}  // namespace proconsul::agent::cluster
