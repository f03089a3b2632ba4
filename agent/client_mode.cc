#include "agent/client_mode.h"

#include <utility>

#include "agent/cluster/join_address.h"
#include "agent/grpc/forwarding.h"
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
  std::unique_ptr<ClientMode> mode(new ClientMode(parts, std::move(server_up), std::move(*connections)));
  if (Result<> prepared = mode->prepare_certificates(); !prepared) return prepared.error();
  return mode;
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
      subscriber_(grpc_client_, [any = std::make_shared<AnyServer>(*caller_)](const std::string&) { return any; }),
      remote_calls_(parts.loops, grpc_client_,
                    {.choose = [this] { return caller_->chosen(); },
                     .unreachable = [this](const rpc::Target& server) { caller_->failed(server); },
                     .hold = parts.config.rpc_hold_timeout}),
      peerings_(remote_calls_),
      transfer_(remote_calls_) {}

/// Of servers, unless the configuration names files.
Result<> ClientMode::prepare_certificates() {
  const config::Config& config = parts_.config;
  if (!config.auto_encrypt_tls && !config.auto_config.enabled) return {};
  certified_ = false;
  mesh::AutoEncrypt::Settings settings = auto_config::certificate_settings(config);
  mesh::AutoEncrypt::Means means;
  means.token = [&own = parts_.tokens] { return own.agent(); };
  means.servers = [this] { return servers_to_ask(); };
  means.insecure = [this](const std::string& address) { return connections_->insecure_destination(address); };
  means.use = [this](const mesh::AutoTls& tls) { return use(tls); };
  means.certified = [this] { certified(); };
  if (config.auto_config.enabled) {
    kept_ = std::make_unique<auto_config::KeptResponse>(config.data_dir);
    Result<auto_config::Response> response = kept_->read();
    if (!response) return response.error();
    Result<rpc::SignedResponse> first = auto_config::certificates_of(*response);
    if (!first) return first.error();
    settings.first = std::move(*first);
    const auto keep = [this](const std::function<void(auto_config::Response&)>& how) {
      if (const Result<> written = kept_->change(how); !written) kLog.error(written.error().detail);
    };
    keep([&](auto_config::Response& last) { last = std::move(*response); });
    means.introduce = [this, keep](const std::stop_token& over) -> Result<rpc::SignedResponse> {
      const auto insecure = [this](const std::string& address) { return connections_->insecure_destination(address); };
      Result<auto_config::Response> fresh = auto_config::ask_servers(parts_.loops, parts_.config, insecure, over);
      if (!fresh) return fresh.error();
      Result<rpc::SignedResponse> certificates = auto_config::certificates_of(*fresh);
      if (certificates) keep([&](auto_config::Response& last) { last = std::move(*fresh); });
      return certificates;
    };
    means.keep_certificate = [keep](const rpc::IssuedCert& certificate) {
      keep([&](auto_config::Response& last) { last.Certificate = certificate; });
    };
    means.keep_roots = [keep](const rpc::IndexedCARoots& roots) {
      keep([&](auto_config::Response& last) { last.CARoots = roots; });
    };
  }
  auto_encrypt_ = std::make_unique<mesh::AutoEncrypt>(parts_.loops, std::move(settings), std::move(means));
  return {};
}

void ClientMode::member_changed(const gossip::serf::MemberPtr& member, server::Fate fate) {
  const std::optional<server::ServerInfo> server = server::server_info(*member);
  if (!server) return;
  if (server->datacenter != parts_.config.datacenter) {
    kLog.warn("server has joined the wrong cluster: wrong datacenter",
              {{"server", server->name}, {"datacenter", server->datacenter}});
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    if (!certified_) {
      std::erase_if(held_back_, [&](const rpc::Target& target) { return target.node == server->name; });
      if (fate == server::Fate::alive) held_back_.push_back(cluster::target_of(*server));
      return;
    }
  }
  if (fate != server::Fate::alive) return caller_->remove(server->name);
  caller_->add(cluster::target_of(*server));
  server_up_();
}

/// Those that gossip knows, or the hosts that are to be joined, on the port that servers usually have.
std::vector<std::string> ClientMode::servers_to_ask() const {
  std::vector<std::string> servers;
  {
    const std::lock_guard lock(mutex_);
    for (const rpc::Target& target : held_back_) servers.push_back(target.address);
  }
  if (!servers.empty()) return servers;
  const auto port = static_cast<std::uint16_t>(parts_.config.server_port);
  for (const std::string& text : parts_.config.retry_join_lan) {
    const Result<cluster::JoinAddress> host = cluster::parse_join_address(text, port);
    if (!host) continue;
    const Result<std::vector<gossip::swim::Address>> found = cluster::resolve(*host);
    if (!found) {
      kLog.warn("AutoEncrypt resolveHost failed", {{"host", text}, {"error", found.error()}});
      continue;
    }
    for (gossip::swim::Address address : *found) {
      address.port = port;
      servers.push_back(to_string(address));
    }
  }
  return servers;
}

void ClientMode::certified() {
  std::vector<rpc::Target> known;
  {
    const std::lock_guard lock(mutex_);
    certified_ = true;
    known = std::exchange(held_back_, {});
  }
  for (rpc::Target& target : known) caller_->add(std::move(target));
  if (!known.empty()) server_up_();
}

Result<> ClientMode::use(const mesh::AutoTls& tls) {
  if (Result<> used = connections_->use(tls); !used) return used;
  const std::lock_guard lock(mutex_);
  auto_tls_ = tls;
  if (told_) told_(tls);
  return {};
}

void ClientMode::follow_certificate(std::function<void(const mesh::AutoTls&)> told) {
  const std::lock_guard lock(mutex_);
  told_ = std::move(told);
  if (!auto_tls_.certificate.empty()) told_(auto_tls_);
}

void ClientMode::serve_grpc(grpc::Services& services) {
  grpc::forward_to_servers(services, grpc_client_, std::make_shared<AnyServer>(*caller_));
}

void ClientMode::use_certificates(mesh::LeafCerts& certificates) {
  if (auto_encrypt_) auto_encrypt_->start(certificates);
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
  if (auto_encrypt_) auto_encrypt_->stop();
  caller_->stop();
  remote_calls_.stop();
  grpc_client_.stop();
  connections_->pool().stop();
}

}  // namespace proconsul::agent
