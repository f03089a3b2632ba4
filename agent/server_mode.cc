#include "agent/server_mode.h"

#include <algorithm>
#include <filesystem>
#include <future>
#include <thread>
#include <utility>

#include "agent/cluster/examiner.h"
#include "agent/cluster/wan_gateways.h"
#include "agent/grpc/reflection.h"
#include "agent/own_server.h"
#include "agent/remote_tokens.h"
#include "agent/rpc/acl_primary.h"
#include "agent/rpc/config_primary.h"
#include "agent/rpc/federation_primary.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "base/time.h"
#include "catalog/store/store.h"

namespace proconsul::agent {
namespace {

using base::Result;
using config::Config;

const base::log::Logger kLog("agent.server");
constexpr std::chrono::seconds kTransferTime{10};
constexpr std::chrono::seconds kRemovalTime{5};
constexpr std::size_t kMostAuthorities = std::size_t{1} << 20;  // bytes of a file of them

/// What clients must trust besides the mesh's roots: whoever signed the servers' own certificates.
base::List<std::string> manual_roots(const config::TlsListener& listener) {
  base::List<std::string> roots;
  std::vector<std::string> files;
  if (!listener.ca_file.empty()) {
    files.push_back(listener.ca_file);
  } else if (!listener.ca_path.empty()) {
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(listener.ca_path, none)) files.push_back(entry.path());
    std::ranges::sort(files);
  }
  for (const std::string& file : files) {
    if (Result<std::string> pem = base::read_file(file, kMostAuthorities)) roots.push_back(std::move(*pem));
  }
  return roots;
}

Result<mesh::Authority::Settings> authority_settings(const Config& config, const tokens::Store& own) {
  mesh::Authority::Settings settings{.datacenter = config.datacenter,
                                     .primary_datacenter = config.primary_datacenter,
                                     .replication_token = [&own] { return own.get(tokens::Kind::replication); }};
  Result<catalog::CAConfiguration> initial =
      mesh::initial_configuration(config.connect_ca_provider, config.connect_ca_config);
  if (!initial) return initial.error();
  settings.initial = std::move(*initial);
  return settings;
}

}  // namespace

Result<std::unique_ptr<ServerMode>> ServerMode::create(Parts parts) {
  const Config& config = parts.config;
  std::unique_ptr<ServerMode> mode(new ServerMode(parts));
  if (!config.dev_mode) {
    const Result<> seen = server::check_last_seen(config.data_dir, config.server_rejoin_age_max, base::system_clock());
    if (!seen) return seen.error();
    mode->last_seen_ = std::make_unique<server::LastSeen>(config.data_dir, base::system_clock());
  }
  return mode;
}

ServerMode::ServerMode(Parts parts) : parts_(parts) {}

ServerMode::~ServerMode() {
  stop();
}

void ServerMode::member_changed(const gossip::serf::MemberPtr& member, server::Fate fate) {
  if (server::RaftServer* to = live_) to->member_changed(member, fate);
}

void ServerMode::wan_member_changed(const gossip::serf::MemberPtr& member, server::Fate fate) {
  mesh::Authority* const authority = live_authority_;
  if (authority == nullptr || fate != server::Fate::alive) return;
  const std::optional<server::ServerInfo> server = server::server_info(*member);
  if (server && server->datacenter == parts_.config.primary_datacenter) authority->primary_appeared();
}

Result<> ServerMode::start(cluster::Pools& pools) {
  const Config& config = parts_.config;
  servers_ = std::make_unique<cluster::Servers>(cluster::Servers::Options{
      .datacenter = config.datacenter, .own_id = parts_.node_id, .members = [&pools](bool wan) {
        return pools.members(wan);
      }});
  Result<std::unique_ptr<cluster::RpcPlane>> plane =
      cluster::RpcPlane::create(parts_.loops, config, parts_.node_id, *servers_, parts_.gateways);
  if (!plane) return plane.error();
  rpc_ = std::move(*plane);

  acl_ = acl_settings(config, parts_.tokens);
  if (parts_.gateways != nullptr) {
    acl_.returns_of_primary = [gateways = parts_.gateways] { return gateways->returns_of_primary(); };
  }
  if (acl_.enabled) {
    if (!acl_.in_primary() && !acl_.token_replication) {
      primary_ = std::make_unique<tokens::PrimarySource>(parts_.loops, acl_.primary_datacenter);
      asked_tokens_ = std::make_unique<tokens::RemoteResolver>(remote_resolver_settings(config), parts_.tokens,
                                                               *primary_, base::system_clock());
    }
    tokens_ = std::make_unique<tokens::Resolver>(resolver_settings(config), parts_.tokens, base::system_clock(),
                                                 asked_tokens_.get());
    logins_ = std::make_unique<auth::Logins>(parts_.loops.next(), base::system_clock(), parts_.logins);
  }
  if (acl_.enabled && !acl_.in_primary()) {
    acl_replication_ = std::make_unique<server::AclReplication>(acl_, base::system_clock());
    acl_.replication = acl_replication_.get();
  }

  if (config.connect_enabled) {
    Result<mesh::Authority::Settings> settings = authority_settings(config, parts_.tokens);
    if (!settings) return settings.error();
    authority_ = std::make_unique<mesh::Authority>(std::move(*settings), base::system_clock());
    api_gateways_ = std::make_unique<server::ApiGatewayDuties>(base::system_clock());
  }
  introduce_clients(pools);

  server::RaftServer::Options raft;
  raft.transport = rpc_->transport();
  raft.remote = &rpc_->remote_leader();
  raft.hold_timeout = config.rpc_hold_timeout;
  raft.raft = raft_options(config, parts_.node_id);
  raft.duties = {.self = own_node(config, parts_.node_id),
                 .autopilot = autopilot(config),
                 .datacenter = config.datacenter,
                 .brake = brake_settings(config),
                 .damping = damping_settings(config)};
  raft.duties.acl = acl_;
  raft.duties.acl_replication = acl_replication_.get();
  raft.duties.authority = authority_.get();
  raft.duties.api_gateways = api_gateways_.get();
  if (!acl_.in_primary()) {
    config_replication_ = std::make_unique<server::ConfigReplication>(acl_, base::system_clock());
  }
  raft.duties.config_replication = config_replication_.get();
  federation_duties_ = std::make_unique<server::FederationDuties>(acl_, base::system_clock());
  raft.duties.federation = federation_duties_.get();
  raft.duties.config_entries = bootstrap_entries(config);
  raft.duties.connect_enabled = config.connect_enabled;
  raft.duties.means.members = [&pools] { return pools.members(false); };
  raft.duties.means.suspects = [&pools] { return pools.stats(false).suspects; };
  raft.duties.means.fetch_stats = [this](const auto& of, auto done) { rpc_->fetch_stats(of, std::move(done)); };
  raft.duties.means.force_leave = [&pools](const std::string& node) {
    pools.force_leave(node, false, false, [](const Result<>&) {});
  };
  raft.duties.means.tell_of_leader = [&pools, name = config.node_name] {
    pools.user_event(std::string(server::kNewLeaderEvent), name, [](const Result<>& told) {
      if (!told) kLog.warn("failed to broadcast new leader event", {{"error", told.error()}});
    });
  };
  Result<std::unique_ptr<server::RaftServer>> started = server::RaftServer::start(std::move(raft));
  if (!started) return started.error();
  server_ = std::move(*started);
  live_ = server_.get();
  if (parts_.gateways != nullptr) parts_.gateways->follow(*server_);
  catalog_ = std::make_unique<local::ServerCatalog>(config.node_name, *server_, tokens_.get(),
                                                    [this] { return knows_tokens(); });
  gauges_ = std::make_unique<ServerGauges>(config, *server_, [&pools] { return pools.members(false); });
  federation_ = std::make_unique<cluster::Federation>(pools, *servers_, config.datacenter, config.primary_datacenter);
  examiner_ = std::make_unique<cluster::Examiner>(cluster::Examiner::Means{.config = config,
                                                                           .node_id = parts_.node_id,
                                                                           .loops = parts_.loops,
                                                                           .pools = pools,
                                                                           .servers = *servers_,
                                                                           .plane = *rpc_,
                                                                           .gateways = parts_.gateways,
                                                                           .server = *server_,
                                                                           .acl = acl_,
                                                                           .acls = acl_replication_.get(),
                                                                           .config_entries = config_replication_.get(),
                                                                           .federation = federation_duties_.get()});
  federation_->use(*examiner_);
  const auto limit = [this](const rpc::Method& method, const std::string& from) {
    return parts_.limit ? parts_.limit(method, server_->leadership().is_leader, from) : Result<>();
  };
  Result<> listening =
      rpc_->listen(*server_, *federation_, {.resolver = tokens_.get(), .settings = &acl_, .logins = logins_.get()},
                   {.authority = authority_.get(), .auto_encrypt = &auto_encrypt_}, limit);
  if (listening && authority_) {
    authority_->open(*server_, rpc_->caller(), parts_.loops);
    live_authority_ = authority_.get();
  }
  if (listening && api_gateways_) api_gateways_->open(*server_);
  const bool signs = config.auto_encrypt_allow_tls || config.auto_config.authorizer.enabled;
  if (listening && authority_ && signs) follow_roots();
  if (listening && primary_) primary_->open(rpc_->caller(), *server_);
  if (listening && tokens_) {
    token_uses_ = std::make_unique<TokenUses>(parts_.loops.next(), rpc_->caller(), *server_, tokens_->uses(), acl_);
  }
  if (listening && acl_replication_) {
    acl_replication_->open(*server_, rpc::acl_primary(rpc_->caller(), parts_.loops, acl_));
  }
  if (listening && config_replication_) {
    config_replication_->open(*server_, rpc::config_primary(rpc_->caller(), parts_.loops, acl_));
  }
  if (listening) {
    federation_duties_->open(*server_, {.ready = [this] { return federation_->has_federation_states(); },
                                        .datacenters = [this] { return servers_->datacenters(); },
                                        .primary = rpc::federation_primary(rpc_->caller(), parts_.loops, acl_)});
  }
  return listening;
}

/// Client agents that have no certificate yet, and servers of other datacenters.
void ServerMode::introduce_clients(cluster::Pools& pools) {
  const Config& config = parts_.config;
  const auto roots = [listener = config.tls.internal_rpc] { return manual_roots(listener); };
  auto_config::Server::Means means;
  means.insecure = [this](const std::string& address) { return rpc_->insecure_destination(address); };
  means.join_addresses = [&pools] {
    std::vector<std::string> addresses;
    for (const gossip::serf::MemberPtr& member : pools.members(false)) {
      const std::optional<server::ServerInfo> server = server::server_info(*member);
      if (!server) continue;
      const bool v6 = server->ip.find(':') != std::string::npos;
      addresses.push_back((v6 ? '[' + server->ip + ']' : server->ip) + ':' + std::to_string(server->gossip_port));
    }
    return addresses;
  };
  means.manual_roots = roots;
  auto_config_ = std::make_unique<auto_config::Server>(config, acl_, parts_.loops, std::move(means));
  invitations_ = std::make_unique<invite::Invitations>(
      config, invite::Invitations::Means{.wan_members = [&pools] { return pools.members(true); },
                                         .force_leave =
                                             [&pools](const std::string& member, server::Done done) {
                                               pools.force_leave(member, true, true, std::move(done));
                                             },
                                         .authorities = roots});
  auto_encrypt_ = {.allowed = config.auto_encrypt_allow_tls,
                   .manual_roots = roots,
                   .verify_server_hostname = config.tls.internal_rpc.verify_server_hostname,
                   .auto_config = auto_config_.get(),
                   .invitations = invitations_.get()};
}

/// Clients come with certificates that the mesh's authority signed.
void ServerMode::follow_roots() {
  roots_loop_ = &parts_.loops.next();
  roots_ = std::make_shared<mesh::Roots>(rpc_->caller(), *roots_loop_, parts_.config.datacenter);
  roots_loop_->post([this, roots = roots_] {
    roots->on_change([this, &roots = *roots] { rpc_->trust(mesh::text_of(*roots.known())); });
    roots->get([](const Result<mesh::Roots::Known>&) {});
  });
}

void ServerMode::take_part() {
  const Config& config = parts_.config;
  if (config.bootstrap_expect <= 1) return;
  cluster::Bootstrapper::Means means;
  means.view = [this, &config] {
    return server::BootstrapView{.datacenter = config.datacenter,
                                 .expect = static_cast<int>(config.bootstrap_expect),
                                 .read_replica = config.read_replica,
                                 .has_log = server_->has_state(),
                                 .servers = servers_->alive()};
  };
  means.peers_of = [this](const server::ServerInfo& of) -> Result<std::vector<std::string>> {
    return of.id == parts_.node_id ? server_->peers() : rpc_->peers_of(of);
  };
  means.bootstrap = [this](raft::Configuration configuration) {
    std::promise<Result<>> promise;
    std::future<Result<>> begun = promise.get_future();
    server_->bootstrap(std::move(configuration), [&promise](Result<> result) { promise.set_value(std::move(result)); });
    return begun.get();
  };
  bootstrapper_ = std::make_unique<cluster::Bootstrapper>(std::move(means));
}

bool ServerMode::knows_tokens() const {
  if (!acl_.enabled || acl_.in_primary() || !acl_.token_replication || acl_.default_policy != "deny") return true;
  return server_->view()->tables().index_of("acl-tokens") > 0;
}

bool ServerMode::is_peer() {
  const std::vector<server::Operator::Peer> peers = server_->raft_peers().servers;
  return std::ranges::any_of(peers, [this](const auto& peer) { return peer.id == parts_.node_id; });
}

void ServerMode::hand_over_lead() {
  auto promise = std::make_shared<std::promise<Result<>>>();
  std::future<Result<>> handed = promise->get_future();
  server_->transfer_leader("", [promise](Result<> result) { promise->set_value(std::move(result)); });
  if (handed.wait_for(kTransferTime) != std::future_status::ready) {
    kLog.warn("leadership was not handed over in time");
  } else if (const Result<> result = handed.get(); !result) {
    kLog.warn("failed to transfer leadership attempt, will retry", {{"error", result.error()}});
  }
}

Result<> ServerMode::leave(const std::function<Result<>()>& leave_pools) {
  kLog.info("server starting leave");
  // A single server has nobody to hand its state to: it only stops. What it acknowledged stays on its disk.
  const bool alone = server_->raft_peers().servers.size() < 2;
  if (!alone && server_->leadership().is_leader) hand_over_lead();
  if (Result<> left = leave_pools(); !left) return left;
  if (alone) return {};
  // Others may still be calling, and the new leader takes this server out of raft.
  const base::Duration drain = parts_.config.leave_drain_time;
  kLog.info("Waiting to drain RPC traffic", {{"drain_time", base::to_string(drain)}});
  const auto drained = std::chrono::steady_clock::now() + std::chrono::nanoseconds(drain.nanoseconds);
  const auto give_up = drained + kRemovalTime;
  while (std::chrono::steady_clock::now() < drained || (is_peer() && std::chrono::steady_clock::now() < give_up)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  if (is_peer()) kLog.warn("failed to leave raft configuration gracefully, timeout");
  return {};
}

void ServerMode::reconfigure(const Config& config) {
  server_->reconfigure(snapshot_options(config));
  server_->reconfigure(brake_settings(config), damping_settings(config));
  server_->reconfigure(bootstrap_entries(config));
}

void ServerMode::use_certificates(mesh::LeafCerts& certificates) {
  const Config& config = parts_.config;
  if (!config.peering_enabled || !config.connect_enabled || config.grpc_tls_addrs.empty()) return;
  peering_certificate_ = std::make_unique<peering::ServerCertificate>(
      *server_, peering::ServerCertificate::Settings{.datacenter = config.datacenter, .acls = acl_.enabled});
  peering_certificate_->start(certificates);
}

void ServerMode::follow_peering_certificate(peering::ServerCertificate::Told told) {
  if (peering_certificate_) peering_certificate_->follow(std::move(told));
}

void ServerMode::serve_grpc(grpc::Services& services) {
  rpc_->add_public(services);
  grpc::add_reflection(services);
}

void ServerMode::read_gauges() {
  gauges_->read();
}

void ServerMode::stop() {
  if (parts_.gateways != nullptr) parts_.gateways->stop();
  if (examiner_) examiner_->stop();
  bootstrapper_.reset();
  if (peering_certificate_) peering_certificate_->stop();
  token_uses_.reset();
  if (acl_replication_) acl_replication_->stop();
  if (authority_) authority_->stop();
  if (const auto roots = std::exchange(roots_, nullptr)) {
    roots_loop_->run([&roots] { roots->stop(); });
  }
  if (config_replication_) config_replication_->stop();
  if (federation_duties_) federation_duties_->stop();
  if (api_gateways_) api_gateways_->stop();
  if (rpc_) rpc_->stop();
  if (auto_config_) auto_config_->stop();
  if (invitations_) invitations_->stop();
  if (logins_) logins_->stop();
  if (server_) server_->stop();
}

}  // namespace proconsul::agent
