// A server: raft, the catalog's state, the port for other servers and for client agents.
#pragma once

#include <atomic>

#include "agent/auth/logins.h"
#include "agent/auto_config/server.h"
#include "agent/cluster/bootstrapper.h"
#include "agent/cluster/federation.h"
#include "agent/cluster/rpc_plane.h"
#include "agent/cluster/servers.h"
#include "agent/invite/invitations.h"
#include "agent/local/server_catalog.h"
#include "agent/mesh/authority.h"
#include "agent/mesh/auto_encrypt_server.h"
#include "agent/mesh/roots.h"
#include "agent/mode.h"
#include "agent/peering/server_certificate.h"
#include "agent/server/acl_replication.h"
#include "agent/server/acl_settings.h"
#include "agent/server/api_gateway_duties.h"
#include "agent/server/config_replication.h"
#include "agent/server/federation_duties.h"
#include "agent/server/last_seen.h"
#include "agent/server/raft_server.h"
#include "agent/telemetry/server_gauges.h"
#include "agent/token_uses.h"
#include "agent/tokens/primary_source.h"
#include "agent/tokens/remote_resolver.h"
#include "agent/tokens/resolver.h"

namespace proconsul::agent {

namespace cluster {
class Examiner;
}

class ServerMode final : public Mode {
 public:
  /// Errors: it was away for too long to come back (server_rejoin_age_max).
  static base::Result<std::unique_ptr<ServerMode>> create(Parts parts);
  ~ServerMode() override;

  void member_changed(const gossip::serf::MemberPtr& member, server::Fate fate) override;
  void wan_member_changed(const gossip::serf::MemberPtr& member, server::Fate fate) override;
  base::Result<> start(cluster::Pools& pools) override;
  void take_part() override;
  base::Result<> leave(const std::function<base::Result<>()>& leave_pools) override;
  base::Result<> reload_tls(const config::Config& config) override { return rpc_->reload_tls(config); }
  void reconfigure(const config::Config& config) override;
  void stop() override;

  local::Catalog& catalog() override { return *catalog_; }
  bool knows_tokens() const override;
  rpc::Caller& caller() override { return rpc_->caller(); }
  peering::Caller& peerings() override { return rpc_->peerings(); }
  grpc::LeaderTransfer& transfer() override { return rpc_->transfer(); }
  rpc::ArchiveServers& archives() override { return *rpc_; }
  void use_certificates(mesh::LeafCerts& certificates) override;
  void follow_peering_certificate(peering::ServerCertificate::Told told) override;
  void serve_grpc(grpc::Services& services) override;
  const grpc::Subscriber& subscriber() override { return rpc_->subscriber(); }
  server::Server* server() override { return server_.get(); }
  server::Operator* cluster() override { return server_.get(); }
  tokens::Resolver* tokens() override { return tokens_.get(); }
  Sections statistics() override { return server_->statistics(); }
  void read_gauges() override;

 private:
  explicit ServerMode(Parts parts);
  bool is_peer();
  void hand_over_lead();
  void follow_roots();
  void introduce_clients(cluster::Pools& pools);

  const Parts parts_;
  std::unique_ptr<server::LastSeen> last_seen_{};
  server::AclSettings acl_{};
  // Where tokens are asked for in the primary; null elsewhere.
  std::unique_ptr<tokens::PrimarySource> primary_{};
  std::unique_ptr<tokens::RemoteResolver> asked_tokens_{};
  std::unique_ptr<tokens::Resolver> tokens_{};                       // null: ACLs are off
  std::unique_ptr<auth::Logins> logins_{};                           // beside them
  std::unique_ptr<server::AclReplication> acl_replication_{};        // null: they are off, or of this datacenter
  std::unique_ptr<server::ConfigReplication> config_replication_{};  // null: this datacenter is the primary
  std::unique_ptr<server::FederationDuties> federation_duties_{};
  std::unique_ptr<mesh::Authority> authority_{};              // null: the mesh is off
  std::unique_ptr<server::ApiGatewayDuties> api_gateways_{};  // beside it
  std::unique_ptr<auto_config::Server> auto_config_{};
  std::unique_ptr<invite::Invitations> invitations_{};
  mesh::AutoEncryptServer auto_encrypt_{};
  base::net::Loop* roots_loop_ = nullptr;
  std::shared_ptr<mesh::Roots> roots_{};  // of the loop; null: no client gets certificates
  std::unique_ptr<cluster::Servers> servers_{};
  std::unique_ptr<cluster::Federation> federation_{};
  std::unique_ptr<cluster::Examiner> examiner_{};
  std::unique_ptr<cluster::RpcPlane> rpc_{};
  std::unique_ptr<server::RaftServer> server_{};
  std::atomic<server::RaftServer*> live_{};  // once there is one: the pools are there before it
  std::atomic<mesh::Authority*> live_authority_{};
  std::unique_ptr<local::ServerCatalog> catalog_{};
  std::unique_ptr<TokenUses> token_uses_{};  // beside tokens_
  std::unique_ptr<ServerGauges> gauges_{};
  std::unique_ptr<peering::ServerCertificate> peering_certificate_{};  // null: there is no peering by TLS
  std::unique_ptr<cluster::Bootstrapper> bootstrapper_{};              // null: nothing to wait for
};

}  // namespace proconsul::agent
