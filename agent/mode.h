// What an agent is besides a member of the LAN pool with services of its own: a server, or a client of servers.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "agent/auth/login_limits.h"
#include "agent/cluster/pools.h"
#include "agent/config/config.h"
#include "agent/grpc/subscriber.h"
#include "agent/local/catalog.h"
#include "agent/rpc/archive_call.h"
#include "agent/rpc/caller.h"
#include "agent/server/operator.h"
#include "agent/server/registrar.h"
#include "agent/server/server.h"
#include "base/net/loop.h"
#include "base/net/tls.h"
#include "base/result.h"

namespace proconsul::agent::tokens {
class RemoteResolver;
class Store;
}  // namespace proconsul::agent::tokens

namespace proconsul::agent::mesh {
struct AutoTls;
class LeafCerts;
}  // namespace proconsul::agent::mesh

namespace proconsul::agent::grpc {
class LeaderTransfer;
class Services;
}  // namespace proconsul::agent::grpc

namespace proconsul::agent::peering {
class Caller;
}

namespace proconsul::agent {

class Mode {
 public:
  using Sections = std::map<std::string, std::map<std::string, std::string>>;
  /// All outlive it.
  struct Parts {
    base::net::Loops& loops;
    const config::Config& config;
    const std::string& node_id;
    const tokens::Store& tokens;
    auth::LoginLimits::Options logins{};
    /// Asked of each call of a peer: whether the limits of requests let it go on. `leads`: this server does. Any
    /// thread.
    std::function<base::Result<>(const rpc::Method& method, bool leads, const std::string& from)> limit{};
    /// The way to other datacenters; null: directly.
    cluster::WanGateways* gateways = nullptr;
  };
  virtual ~Mode() = default;

  // Events of the pools, which may come before start(); on their loop's thread.
  virtual void member_changed(const gossip::serf::MemberPtr& member, server::Fate fate) = 0;
  virtual void wan_member_changed(const gossip::serf::MemberPtr&, server::Fate) {}
  virtual void leader_elected() {}

  /// Begins its work in the pools, which outlive it.
  virtual base::Result<> start(cluster::Pools& pools) = 0;
  /// Where this agent's certificates are, which are stopped before this is.
  virtual void use_certificates(mesh::LeafCerts&) {}
  /// The agent listens: what is not needed for that begins.
  virtual void take_part() {}
  /// Says goodbye to the cluster; the pools are left by `leave_pools`. Waits.
  virtual base::Result<> leave(const std::function<base::Result<>()>& leave_pools) = 0;
  /// tls.internal_rpc, for connections from now on. An error changes nothing.
  virtual base::Result<> reload_tls(const config::Config& config) = 0;
  /// Takes over what else may change while it runs.
  virtual void reconfigure(const config::Config& config) = 0;
  /// Whoever waits for it is answered. Idempotent, also when it was never started.
  virtual void stop() = 0;

  /// Told now and whenever it changes, on any thread: the certificate that servers gave this agent. Until stop().
  virtual void follow_certificate(std::function<void(const mesh::AutoTls&)>) {}

  /// Of a server, likewise: what other clusters are shown that ask for this name, by which their tokens know it.
  virtual void follow_peering_certificate(
      std::function<void(const std::string& name, const base::net::TlsPair& shown)>) {}

  // Once it is started.
  /// Adds what is served on the gRPC ports of such an agent. It refers to this.
  virtual void serve_grpc(grpc::Services& services) = 0;
  virtual local::Catalog& catalog() = 0;
  virtual rpc::Caller& caller() = 0;
  virtual peering::Caller& peerings() = 0;
  virtual grpc::LeaderTransfer& transfer() = 0;
  virtual rpc::ArchiveServers& archives() = 0;
  virtual const grpc::Subscriber& subscriber() = 0;
  virtual server::Server* server() { return nullptr; }  // null on a client agent
  virtual server::Operator* cluster() { return nullptr; }
  // Null, both of them: ACLs are off. One by the state of a server, one by asking servers.
  virtual tokens::Resolver* tokens() { return nullptr; }
  virtual tokens::RemoteResolver* remote_tokens() { return nullptr; }
  /// Whether the agent's own tokens can be known by now: not before a secondary datacenter has its first copies.
  virtual bool knows_tokens() const { return true; }
  /// Sections of `info` and /v1/agent/self that are the mode's own, "consul" among them.
  virtual Sections statistics() = 0;
  /// Reads gauges that are the mode's own; another thread.
  virtual void read_gauges() {}
};

}  // namespace proconsul::agent
