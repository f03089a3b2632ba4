#include "agent/client_mode.h"

#include <utility>

#include "agent/remote_tokens.h"
#include "agent/server/server_info.h"
#include "agent/tokens/store.h"
#include "base/clock.h"
#include "base/log.h"

namespace proconsul::agent {
namespace {

using base::Result;

const base::log::Logger kLog("agent.client");

/// Subscriptions go to the server that calls go to, but are not counted among them.
class AnyServer final : public grpc::Servers {
 public:
  explicit AnyServer(cluster::ServerCaller& caller) : caller_(caller) {}
  Result<rpc::Target> choose() override { return caller_.chosen(); }
  void failed(const rpc::Target& server, const grpc::Status&) override { caller_.failed(server); }

 private:
  cluster::ServerCaller& caller_;
};

/// What servers say, that ACLs are off there, is believed for so long.
constexpr base::Duration kOffTime = base::seconds(30);

tokens::RemoteResolver::Settings resolver_settings(const config::Config& config) {
  tokens::RemoteResolver::Settings settings = remote_resolver_settings(config);
  settings.off_time = kOffTime;
  return settings;
}

}  // namespace

Result<std::unique_ptr<ClientMode>> ClientMode::create(Parts parts, std::function<void()> server_up) {
  Result<std::unique_ptr<cluster::Connections>> connections = cluster::Connections::create(parts.loops, parts.config);
  if (!connections) return connections.error();
  return std::unique_ptr<ClientMode>(new ClientMode(parts, std::move(server_up), std::move(*connections)));
}

ClientMode::ClientMode(Parts parts, std::function<void()> server_up, std::unique_ptr<cluster::Connections> connections)
    : parts_(parts),
      server_up_(std::move(server_up)),
      connections_(std::move(connections)),
      caller_(std::make_unique<cluster::ServerCaller>(
          parts.loops, connections_->pool(),
          cluster::ServerCaller::Options{.times = cluster::call_times(parts.config),
                                         .rate = parts.config.rpc_rate_limit,
                                         .burst = parts.config.rpc_max_burst,
                                         .nodes = [this]() -> std::size_t {
                                           cluster::Pools* pools = pools_;
                                           return pools != nullptr ? pools->view(false)->members.size() : 1;
                                         }})),
      catalog_(std::make_unique<local::RpcCatalog>(
          parts.loops, *caller_,
          local::RpcCatalog::Options{.node = parts.config.node_name,
                                     .datacenter = parts.config.datacenter,
                                     .token = [&own = parts.tokens] { return own.agent(); }})),
      acls_(parts.loops, *caller_, parts.config.datacenter),
      tokens_(parts.config.acls_enabled
                  ? std::make_unique<tokens::RemoteResolver>(resolver_settings(parts.config), parts.tokens, acls_,
                                                             base::system_clock())
                  : nullptr),
      grpc_client_(parts.loops, connections_->grpc_options()),
      subscriber_(grpc_client_, [any = std::make_shared<AnyServer>(*caller_)](const std::string&) { return any; }) {}

void ClientMode::member_changed(const gossip::serf::MemberPtr& member, server::Fate fate) {
  const std::optional<server::ServerInfo> server = server::server_info(*member);
  if (!server) return;
  if (server->datacenter != parts_.config.datacenter) {
    kLog.warn("server has joined the wrong cluster: wrong datacenter",
              {{"server", server->name}, {"datacenter", server->datacenter}});
    return;
  }
  if (fate != server::Fate::alive) return caller_->remove(server->name);
  caller_->add(cluster::target_of(*server));
  server_up_();
}

Result<> ClientMode::start(cluster::Pools& pools) {
  pools_ = &pools;
  return {};
}

Result<> ClientMode::leave(const std::function<Result<>()>& leave_pools) {
  kLog.info("client starting leave");
  return leave_pools();
}

void ClientMode::reconfigure(const config::Config& config) {
  caller_->limit(config.rpc_rate_limit, config.rpc_max_burst);
}

Mode::Sections ClientMode::statistics() {
  return {{"consul", {{"server", "false"}, {"known_servers", std::to_string(caller_->known_servers())}}}};
}

void ClientMode::stop() {
  caller_->stop();
  grpc_client_.stop();
  connections_->pool().stop();
}

}  // namespace proconsul::agent
