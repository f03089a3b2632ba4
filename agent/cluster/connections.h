// The ways to servers: their connections, under the TLS rules of tls.internal_rpc.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "agent/config/config.h"
#include "agent/grpc/client.h"
#include "agent/mesh/auto_encrypt.h"
#include "agent/rpc/pool.h"
#include "agent/rpc/port_tls.h"
#include "agent/rpc/retry.h"
#include "agent/server/server_info.h"
#include "base/net/loop.h"
#include "base/result.h"

namespace proconsul::agent::cluster {

rpc::TlsRules tls_rules(const config::Config& config);
rpc::CallTimes call_times(const config::Config& config);
rpc::Target target_of(const server::ServerInfo& server);

class WanGateways;

class Connections {
 public:
  /// `loops` outlive it, and `gateways`, by which other datacenters are reached; null: directly.
  static base::Result<std::unique_ptr<Connections>> create(base::net::Loops& loops, const config::Config& config,
                                                           WanGateways* gateways = nullptr);

  rpc::Pool& pool() { return pool_; }
  /// Of a client that reaches servers in the same way; it must end before this does.
  grpc::Client::Options grpc_options() const;
  /// A server's port, TLS and its byte included. Any thread.
  base::net::Destination destination(const std::string& datacenter, const std::string& address) const;
  /// The same, through a gateway if that is the way there.
  base::net::Destination destination(const rpc::Target& target, std::string_view protocol) const;
  /// TLS of connections from now on; those that stand keep what they began with. An error changes nothing.
  base::Result<> reload(const config::Config& config);
  /// With what the servers gave this agent; a reload keeps that.
  base::Result<> use(const mesh::AutoTls& given);
  /// A server's port, for a client without a certificate. Any thread.
  base::Result<base::net::Destination> insecure_destination(const std::string& address) const;

 private:
  struct Tls {
    rpc::TlsRules rules;
    std::shared_ptr<base::net::TlsContext> outgoing;  // null: plain
  };
  static base::Result<Tls> tls_of(rpc::TlsRules rules, const mesh::AutoTls& given);
  Connections(base::net::Loops& loops, const config::Config& config, WanGateways* gateways, Tls tls);
  rpc::Pool::Options pool_options(const config::Config& config) const;
  /// Whether there is a better gateway for a server of another datacenter than this one; unset without gateways.
  std::function<bool(const rpc::Target& target, const std::string& gateway)> outdated() const;

  mutable std::mutex mutex_{};  // guards the next three
  std::shared_ptr<const Tls> tls_;
  rpc::TlsRules configured_{};
  mesh::AutoTls given_{};
  WanGateways* const gateways_;  // null: there are none
  rpc::Pool pool_;
};

}  // namespace proconsul::agent::cluster
