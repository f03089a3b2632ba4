// Federation through mesh gateways, as a server takes part in it (connect.enable_mesh_gateway_wan_federation): how it
// calls servers of other datacenters, and how its WAN pool speaks with them.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/config.h"
#include "agent/rpc/cluster.h"
#include "agent/rpc/port.h"
#include "agent/server/server.h"
#include "base/background.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/net/loop.h"
#include "base/net/tcp_channel.h"
#include "base/result.h"
#include "gossip/pool.h"
#include "gossip/swim/detour.h"

namespace proconsul::wanfed {
class Incoming;
class Transport;
class Ways;
struct WayState;
}  // namespace proconsul::wanfed

namespace proconsul::agent::cluster {

class WanGateways {
 public:
  /// Null where the mode is off. `loop` is that of the gossip pools and outlives it, as the pools do not. Errors say
  /// which key of the configuration is missing.
  static base::Result<std::unique_ptr<WanGateways>> create(base::net::Loop& loop, const config::Config& config);
  ~WanGateways();
  WanGateways(const WanGateways&) = delete;

  // Any thread.
  bool is_elsewhere(std::string_view datacenter) const { return datacenter != datacenter_; }
  /// A server of another datacenter; `protocol` by its ALPN name. No gateway is known: a refusal, with the text that
  /// callers know.
  base::net::Destination destination(const rpc::Target& target, std::string_view protocol);
  /// Whether some gateway is known that leads there.
  bool knows_way(std::string_view datacenter);
  /// How often the primary was reached again after no way there worked any more.
  std::uint64_t returns_of_primary() const;
  /// Whether connections through this gateway should be moved to a better one.
  bool outdated(std::string_view datacenter, const std::string& gateway);
  base::Result<> reload_tls(const config::Config& config);

  // For who looks whether the ways work; any thread.
  std::vector<wanfed::WayState> survey() const;
  /// A server of the datacenter (`node` empty: any) by this gateway. What becomes of it counts for nothing else.
  base::net::Destination trial(const std::string& node, const std::string& datacenter, const std::string& gateway);
  /// An entry of primary_gateways and where it leads now.
  struct Resolved {
    std::string entry{};
    std::vector<std::string> addresses{};  // "10.0.0.1:8443"
    std::string error{};
  };
  /// Waits for name servers.
  std::vector<Resolved> resolve_primary_gateways() const;

  /// Of the WAN pool's configuration.
  gossip::swim::Detour& detour();
  /// What the server port hands over: the bytes of other datacenters' pools.
  rpc::TakeOver packets();
  rpc::TakeOver streams();

  /// Follows what the server's state says of gateways. The server outlives stop().
  void follow(const server::Server& server);
  /// From now on datacenters are joined, again when all their members failed, and gateways are tried.
  void open(gossip::Pool& wan);
  /// Nothing is joined, tried or handed to the pool any more; before the pools end. Idempotent.
  void stop();

 private:
  class Duties;
  struct Names;
  WanGateways(base::net::Loop& loop, const config::Config& config);
  base::Result<std::shared_ptr<base::net::TlsContext>> context(const config::Config& config) const;
  base::net::Destination dial(const std::string& node, const std::string& datacenter, std::string_view protocol,
                              const std::string& gateway);
  void resolve();
  void resolve_names();

  base::net::Loop& loop_;
  const std::string datacenter_;
  const std::string primary_;
  const std::string domain_;
  const std::vector<std::string> primary_gateways_;
  const base::Duration interval_;
  const base::log::Logger log_{"agent.server.gateway_locator"};
  std::mutex mutex_{};                                 // guards the next one
  std::shared_ptr<base::net::TlsContext> outgoing_{};  // shows this server's certificate
  std::unique_ptr<wanfed::Ways> ways_;
  std::unique_ptr<wanfed::Transport> transport_;
  std::unique_ptr<wanfed::Incoming> incoming_;
  std::unique_ptr<Names> names_;
  std::unique_ptr<Duties> duties_;
  bool stopped_ = false;
  base::Interrupt stopping_{};
  base::Background resolver_{};  // waits for name servers
};

}  // namespace proconsul::agent::cluster
