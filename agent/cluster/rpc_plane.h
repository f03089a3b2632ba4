// This server among others: the server port, connections to other servers, raft's transport, and what the leader is
// asked.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/cluster/connections.h"
#include "agent/cluster/servers.h"
#include "agent/config/config.h"
#include "agent/grpc/client.h"
#include "agent/grpc/server.h"
#include "agent/grpc/subscribe.h"
#include "agent/rpc/archive_call.h"
#include "agent/rpc/dispatcher.h"
#include "agent/rpc/federation.h"
#include "agent/rpc/leader_client.h"
#include "agent/rpc/port.h"
#include "agent/rpc/raft_transport.h"
#include "agent/rpc/snapshot.h"
#include "agent/server/coordinate_batch.h"
#include "agent/server/pool_duties.h"
#include "agent/server/raft_server.h"
#include "base/net/loop.h"
#include "base/result.h"

namespace proconsul::agent::grpc {
class LeaderTransfer;
class OperatorService;
class PublicServices;
class RemoteCalls;
}  // namespace proconsul::agent::grpc
namespace proconsul::agent::peering {
class Caller;
class Plane;
}  // namespace proconsul::agent::peering

namespace proconsul::agent::cluster {

class RpcPlane final : private rpc::Cluster, public rpc::ArchiveServers {
 public:
  /// `loops` and `servers` outlive it, and `gateways`, by which other datacenters are reached; null: directly.
  static base::Result<std::unique_ptr<RpcPlane>> create(base::net::Loops& loops, const config::Config& config,
                                                        const std::string& node_id, Servers& servers,
                                                        WanGateways* gateways = nullptr);
  ~RpcPlane() override;

  // Of the server that is to be made with them.
  std::unique_ptr<raft::Transport> transport();
  server::RemoteLeader& remote_leader() { return leader_; }

  /// From here on others can call. `server` is stopped before this is; `federation` outlives it.
  /// `limit` is asked of each call of a peer, on any loop.
  using Limit = std::function<base::Result<>(const rpc::Method& method, const std::string& from)>;
  /// Of ACLs; outlives it. No resolver: they are off.
  struct Acl {
    tokens::Resolver* resolver = nullptr;
    const server::AclSettings* settings = nullptr;
    auth::Logins* logins = nullptr;  // beside the resolver
  };
  /// Of the mesh; outlives it. No authority: it is off.
  struct Mesh {
    mesh::Authority* authority = nullptr;
    const mesh::AutoEncryptServer* auto_encrypt = nullptr;  // for clients without a certificate
  };
  base::Result<> listen(server::RaftServer& server, rpc::Federation& federation, Acl acl, Mesh mesh, Limit limit);
  /// Another server's port, for what it serves to clients without a certificate. Any thread.
  base::Result<base::net::Destination> insecure_destination(const std::string& address) const {
    return connections_->insecure_destination(address);
  }
  /// A server's own port, whatever gateways there are. Any thread.
  base::net::Destination destination(const server::ServerInfo& of) const {
    return connections_->destination(of.datacenter, of.rpc_address());
  }
  /// Once it listens.
  rpc::Caller& caller() { return *dispatcher_; }
  /// Once it listens.
  peering::Caller& peerings();
  /// Once it listens.
  grpc::LeaderTransfer& transfer();
  /// Adds the public services, which refer to this.
  void add_public(grpc::Services& services);
  /// Of other datacenters.
  const grpc::Subscriber& subscriber() const { return subscriber_; }
  /// For connections from now on. An error changes nothing.
  base::Result<> reload_tls(const config::Config& config);
  /// Certificates of the mesh's roots are taken from clients too, from now on. Any thread, while it listens.
  void trust(std::string roots);
  base::Result<base::net::Destination> archive_server(std::string_view datacenter) override;
  /// Before the server is. Idempotent; not from a loop.
  void stop();

  /// Those that answer within half of autopilot's interval.
  void fetch_stats(const std::vector<server::ServerInfo>& servers,
                   std::move_only_function<void(server::PoolDuties::Statistics)> done);
  /// The raft peers that a server knows of; waits for it, on no loop's thread.
  base::Result<std::vector<std::string>> peers_of(const server::ServerInfo& server);

 private:
  RpcPlane(base::net::Loops& loops, const config::Config& config, Servers& servers, WanGateways* gateways,
           std::unique_ptr<Connections> connections);

  base::Result<rpc::Target> leader() const override;
  bool leads() const override;
  /// For calls that take their time, in which this server may begin to lead.
  base::Result<rpc::Target> leader_or_self() const;
  base::Result<rpc::Target> route(std::string_view datacenter) const override;
  void failed(const rpc::Target& target, const base::Error& error) override;
  base::Result<rpc::Port::Tls> offered(const config::Config& config);
  void write_coordinates();
  void ask(const server::ServerInfo& server, std::string_view method, rpc::InvocationPtr invocation,
           rpc::Finished done);

  base::net::Loops& loops_;
  const config::Config& config_;
  Servers& servers_;
  WanGateways* const gateways_;  // null: there are none
  const std::unique_ptr<Connections> connections_;
  const base::log::Logger log_{"agent.server.rpc"};
  grpc::Client grpc_client_;
  const grpc::Subscriber subscriber_;
  rpc::LeaderClient leader_;
  server::CoordinateBatch coordinates_;
  std::string node_id_{};
  std::mutex tls_mutex_{};                   // guards the next two
  rpc::TlsRules rules_{};                    // as they were configured last
  std::string mesh_roots_{};                 // PEM
  rpc::RaftTransport* transport_ = nullptr;  // the server's
  std::atomic<server::RaftServer*> server_{};
  std::unique_ptr<rpc::Dispatcher> dispatcher_{};
  std::unique_ptr<rpc::SnapshotService> snapshots_{};
  std::unique_ptr<grpc::SubscribeService> subscriptions_{};
  std::unique_ptr<grpc::PublicServices> public_{};
  std::unique_ptr<grpc::RemoteCalls> leader_calls_{};
  std::unique_ptr<grpc::OperatorService> operator_{};
  std::unique_ptr<peering::Plane> peering_{};
  std::unique_ptr<grpc::Server> grpc_{};
  std::unique_ptr<rpc::Port> port_{};
};

}  // namespace proconsul::agent::cluster
