// A client agent: no state of its own, and servers whom it calls.
#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "agent/auto_config/client.h"
#include "agent/cluster/connections.h"
#include "agent/cluster/server_caller.h"
#include "agent/grpc/operator_service.h"
#include "agent/grpc/remote_calls.h"
#include "agent/local/rpc_catalog.h"
#include "agent/mesh/auto_encrypt.h"
#include "agent/mode.h"
#include "agent/peering/remote_caller.h"
#include "agent/tokens/remote_resolver.h"
#include "agent/tokens/rpc_source.h"

namespace proconsul::agent {

class ClientMode final : public Mode {
 public:
  /// `server_up` is called when a server has come or a leader was elected; on a loop's thread.
  static base::Result<std::unique_ptr<ClientMode>> create(Parts parts, std::function<void()> server_up);
  ~ClientMode() override { stop(); }

  void member_changed(const gossip::serf::MemberPtr& member, server::Fate fate) override;
  void leader_elected() override { server_up_(); }
  base::Result<> start(cluster::Pools& pools) override;
  base::Result<> leave(const std::function<base::Result<>()>& leave_pools) override;
  base::Result<> reload_tls(const config::Config& config) override { return connections_->reload(config); }
  void reconfigure(const config::Config& config) override;
  void use_certificates(mesh::LeafCerts& certificates) override;
  void stop() override;

  local::Catalog& catalog() override { return *catalog_; }
  rpc::Caller& caller() override { return *caller_; }
  peering::Caller& peerings() override { return peerings_; }
  grpc::LeaderTransfer& transfer() override { return transfer_; }
  rpc::ArchiveServers& archives() override { return *caller_; }
  void follow_certificate(std::function<void(const mesh::AutoTls&)> told) override;
  void serve_grpc(grpc::Services& services) override;
  const grpc::Subscriber& subscriber() override { return subscriber_; }
  tokens::RemoteResolver* remote_tokens() override { return tokens_.get(); }
  Sections statistics() override;

 private:
  std::vector<std::string> servers_to_ask() const;
  void certified();
  base::Result<> prepare_certificates();
  base::Result<> use(const mesh::AutoTls& tls);

  ClientMode(Parts parts, std::function<void()> server_up, std::unique_ptr<cluster::Connections> connections);

  const Parts parts_;
  const std::function<void()> server_up_;
  std::atomic<cluster::Pools*> pools_{};
  const std::unique_ptr<cluster::Connections> connections_;
  const std::unique_ptr<cluster::ServerCaller> caller_;
  const std::unique_ptr<local::RpcCatalog> catalog_;
  tokens::RpcSource acls_;
  const std::unique_ptr<tokens::RemoteResolver> tokens_;  // null: ACLs are off
  grpc::Client grpc_client_;
  const grpc::Subscriber subscriber_;
  grpc::RemoteCalls remote_calls_;
  peering::RemoteCaller peerings_;
  grpc::RemoteTransfer transfer_;
  mutable std::mutex mutex_{};                         // guards what follows
  bool certified_ = true;                              // servers can be called
  std::vector<rpc::Target> held_back_{};               // those that are known until then
  std::unique_ptr<auto_config::KeptResponse> kept_{};  // of auto_config
  mesh::AutoTls auto_tls_{};                           // what servers gave; empty: nothing yet
  std::function<void(const mesh::AutoTls&)> told_{};   // of that
  std::unique_ptr<mesh::AutoEncrypt> auto_encrypt_{};  // null: certificates are files
};

}  // namespace proconsul::agent
