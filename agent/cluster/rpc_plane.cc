#include "agent/cluster/rpc_plane.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <mutex>
#include <utility>

#include "agent/cluster/wan_gateways.h"
#include "agent/grpc/operator_service.h"
#include "agent/grpc/public_services.h"
#include "agent/grpc/remote_calls.h"
#include "agent/peering/plane.h"
#include "agent/rpc/kind_byte.h"
#include "agent/rpc/types.h"
#include "agent/server/changes.h"
#include "base/time.h"

namespace proconsul::agent::cluster {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using server::ServerInfo;

constexpr std::chrono::seconds kFirstJoin{20};  // in which other datacenters are not known yet, and nobody is to blame
const auto kBegun = std::chrono::steady_clock::now();
constexpr std::chrono::seconds kStatsTime{1};   // half of autopilot's interval
constexpr std::chrono::seconds kPeersTime{10};  // to answer Status.Peers

template <class Req, class Rep>
using Call = rpc::TypedInvocation<Req, Rep>;

base::Duration contact_of(const std::string& text) {
  const Result<base::Duration> contact = base::parse_duration(text);
  return contact ? *contact : base::seconds(-1);  // "never"
}

}  // namespace

Result<std::unique_ptr<RpcPlane>> RpcPlane::create(base::net::Loops& loops, const config::Config& config,
                                                   const std::string& node_id, Servers& servers,
                                                   WanGateways* gateways) {
  Result<std::unique_ptr<Connections>> connections = Connections::create(loops, config, gateways);
  if (!connections) return connections.error();
  std::unique_ptr<RpcPlane> plane(new RpcPlane(loops, config, servers, gateways, std::move(*connections)));
  plane->node_id_ = node_id;
  return plane;
}

RpcPlane::RpcPlane(base::net::Loops& loops, const config::Config& config, Servers& servers, WanGateways* gateways,
                   std::unique_ptr<Connections> connections)
    : loops_(loops),
      config_(config),
      servers_(servers),
      gateways_(gateways),
      connections_(std::move(connections)),
      grpc_client_(loops, connections_->grpc_options()),
      subscriber_(grpc_client_, grpc::servers_elsewhere(*this)),
      leader_(loops, *this, connections_->pool(), config.rpc_hold_timeout),
      coordinates_(
          {.batch_size = static_cast<std::size_t>(std::max<std::int64_t>(config.coordinate_update_batch_size, 1)),
           .max_batches = static_cast<std::size_t>(std::max<std::int64_t>(config.coordinate_update_max_batches, 1))},
          [this] { leader_.after(config_.coordinate_update_period, [this] { write_coordinates(); }); }) {}

RpcPlane::~RpcPlane() {
  stop();
}

std::unique_ptr<raft::Transport> RpcPlane::transport() {
  rpc::RaftTransport::Options options;
  options.id = {node_id_};
  options.address = config_.rpc_advertise_addr.to_string();
  options.route = [this](const raft::ServerId& id, const std::string& address) {
    const std::optional<ServerInfo> known = servers_.by_id(id.value);
    return connections_->destination(config_.datacenter, known ? known->rpc_address() : address);
  };
  auto transport = std::make_unique<rpc::RaftTransport>(loops_.next(), std::move(options));
  transport_ = transport.get();
  return transport;
}

/// Some seconds later; a server that leads no more finds no leader's ear, and the agents send anew.
void RpcPlane::write_coordinates() {
  server::RaftServer* const server = server_;
  if (server == nullptr) return;  // stopping
  server::CoordinateBatch::Taken taken = coordinates_.take();
  if (taken.dropped > 0) log_.warn("Discarded coordinate updates", {{"number_discarded", taken.dropped}});
  for (const catalog::Coordinates& batch : taken.batches) {
    server::update_coordinates(*server, batch, [this](const Result<>& written) {
      if (!written) log_.warn("Batch update failed", {{"error", written.error()}});
    });
  }
}

Result<> RpcPlane::listen(server::RaftServer& server, rpc::Federation& federation, Acl acl, Mesh mesh, Limit limit) {
  const rpc::Services services{.server = server,
                               .cluster = &server,
                               .coordinates = &coordinates_,
                               .datacenter = config_.datacenter,
                               .session_ttl_min = config_.session_ttl_min,
                               .sort_by_distance = !config_.disable_coordinates,
                               .connect_enabled = config_.connect_enabled,
                               .default_intention_policy = config_.default_intention_policy,
                               .federation = &federation,
                               .tokens = acl.resolver,
                               .acl = acl.settings,
                               .logins = acl.logins,
                               .authority = mesh.authority,
                               .auto_encrypt = mesh.auto_encrypt};
  rpc::Dispatcher::Settings settings;
  settings.datacenter = config_.datacenter;
  settings.times = call_times(config_);
  rpc::Cluster& cluster = *this;
  dispatcher_ = std::make_unique<rpc::Dispatcher>(loops_, services, cluster, connections_->pool(), std::move(settings));
  snapshots_ = std::make_unique<rpc::SnapshotService>(loops_.next(), services, cluster, connections_->pool(),
                                                      config_.dev_mode ? std::string() : config_.data_dir);
  rpc::Port::Options options;
  options.handshake_timeout = std::chrono::milliseconds(config_.rpc_handshake_timeout.nanoseconds / 1'000'000);
  options.most_connections_per_client = config_.rpc_max_conns_per_client;
  Result<rpc::Port::Tls> offered = this->offered(config_);
  if (!offered) return offered.error();
  options.tls = std::move(*offered);
  options.serving.limit = std::move(limit);
  options.raft = [this](base::net::Fd socket, std::unique_ptr<base::net::TlsStream> tls,
                        std::shared_ptr<const void> place) {
    transport_->accept(std::move(socket), std::move(tls), std::move(place));
  };
  options.snapshot = [this](base::net::Fd socket, std::unique_ptr<base::net::TlsStream> tls,
                            std::shared_ptr<const void> place) {
    snapshots_->accept(std::move(socket), std::move(tls), std::move(place));
  };
  grpc::Services grpc_services;
  subscriptions_ = std::make_unique<grpc::SubscribeService>(
      loops_, server, cluster, subscriber_,
      grpc::SubscribeService::Settings{
          .datacenter = config_.datacenter, .hold_timeout = config_.rpc_hold_timeout, .tokens = acl.resolver});
  if (config_.rpc_enable_streaming) subscriptions_->add_to(grpc_services);
  public_ = std::make_unique<grpc::PublicServices>(
      loops_, server, server, *dispatcher_,
      grpc::PublicServices::Settings{
          .datacenter = config_.datacenter, .connect_enabled = config_.connect_enabled, .tokens = acl.resolver});
  public_->add_to_server_port(grpc_services);
  leader_calls_ = std::make_unique<grpc::RemoteCalls>(
      loops_, grpc_client_,
      grpc::RemoteCalls::Means{
          .choose = [this] { return leader_or_self(); }, .unreachable = {}, .hold = config_.rpc_hold_timeout});
  operator_ = std::make_unique<grpc::OperatorService>(grpc::OperatorService::Parts{
      .loops = loops_, .server = server, .cluster = server, .dispatcher = *dispatcher_, .leader = *leader_calls_});
  operator_->add_to(grpc_services);
  peering_ = std::make_unique<peering::Plane>(
      peering::Plane::Parts{.loops = loops_, .server = server, .dispatcher = *dispatcher_, .leader = *leader_calls_},
      peering::Service::Settings{.datacenter = config_.datacenter,
                                 .enabled = config_.peering_enabled,
                                 .connect_enabled = config_.connect_enabled,
                                 .offers_tls = !config_.grpc_tls_addrs.empty(),
                                 .locality = config_.locality});
  peering_->add_to_server_port(grpc_services);
  grpc_ = std::make_unique<grpc::Server>(loops_, std::move(grpc_services), grpc::Server::Options());
  options.grpc = [this](base::net::Fd socket, std::unique_ptr<base::net::TlsStream> tls,
                        std::shared_ptr<const void> place) {
    grpc_->accept(std::move(socket), std::move(tls), std::move(place));
  };
  if (gateways_ != nullptr) {
    options.wan_gossip_packet = gateways_->packets();
    options.wan_gossip_stream = gateways_->streams();
  }
  port_ = std::make_unique<rpc::Port>(loops_, *dispatcher_, std::move(options));
  server_ = &server;
  leader_.attach(*dispatcher_);
  peering_->start();
  const config::Address& bind = config_.rpc_bind_addr;
  Result<std::uint16_t> port = port_->listen(bind.ip.to_string(), static_cast<std::uint16_t>(bind.port));
  if (!port) return {port.error().code, "Failed to start RPC listener: " + port.error().detail};
  return {};
}

peering::Caller& RpcPlane::peerings() {
  return peering_->caller();
}

grpc::LeaderTransfer& RpcPlane::transfer() {
  return *operator_;
}

void RpcPlane::add_public(grpc::Services& services) {
  public_->add_to(services);
  operator_->add_to(services);
  peering_->add_public(services);
}

Result<rpc::Port::Tls> RpcPlane::offered(const config::Config& config) {
  const std::lock_guard lock(tls_mutex_);
  rpc::TlsRules rules = tls_rules(config);
  rules.files.ca_pem = mesh_roots_;
  Result<rpc::Port::Tls> offered = rpc::offered_tls(rules);
  if (offered) rules_ = std::move(rules);
  return offered;
}

void RpcPlane::trust(std::string roots) {
  const std::lock_guard lock(tls_mutex_);
  mesh_roots_ = std::move(roots);
  rules_.files.ca_pem = mesh_roots_;
  Result<rpc::Port::Tls> offered = rpc::offered_tls(rules_);
  if (!offered) return log_.error("failed to update Connect CA certificates", {{"error", offered.error()}});
  port_->set_tls(std::move(*offered));
}

Result<> RpcPlane::reload_tls(const config::Config& config) {
  Result<rpc::Port::Tls> offered = this->offered(config);
  if (!offered) return offered.error();
  if (Result<> outgoing = connections_->reload(config); !outgoing) return outgoing;
  if (gateways_ != nullptr) {
    if (Result<> outgoing = gateways_->reload_tls(config); !outgoing) return outgoing;
  }
  port_->set_tls(std::move(*offered));
  return {};
}

Result<base::net::Destination> RpcPlane::archive_server(std::string_view datacenter) {
  const bool here = datacenter.empty() || datacenter == config_.datacenter;
  const Result<rpc::Target> target = here ? leader_or_self() : route(datacenter);
  if (!target) return target.error();
  return connections_->pool().destination(*target, rpc::kRpcSnapshot);
}

void RpcPlane::stop() {
  leader_.detach();
  if (server::RaftServer* server = server_) server->resign();
  if (port_) port_->stop();
  if (grpc_) grpc_->stop();
  if (leader_calls_) leader_calls_->stop();
  if (peering_) peering_->stop();
  grpc_client_.stop();
  if (subscriptions_) subscriptions_->stop();
  if (snapshots_) snapshots_->stop();
  if (dispatcher_) dispatcher_->stop();
  connections_->pool().stop();
  server_ = nullptr;
}

Result<rpc::Target> RpcPlane::leader() const {
  const server::RaftServer* server = server_;
  const raft::Node::Leader none{};
  const raft::Node::Leader& leader = server != nullptr ? server->raft_leader() : none;
  if (leader.id.value.empty() && leader.address.empty()) return Error{Errc::no_leader, rpc::kNoLeader};
  if (leader.id.value == node_id_) return Error{Errc::no_leader, rpc::kNoLeader};
  if (const std::optional<ServerInfo> known = servers_.by_id(leader.id.value)) return target_of(*known);
  return Error{Errc::unavailable, rpc::kLeaderNotTracked};
}

bool RpcPlane::leads() const {
  const server::RaftServer* server = server_;
  return server != nullptr && server->leadership().is_leader;
}

Result<rpc::Target> RpcPlane::leader_or_self() const {
  const std::optional<ServerInfo> self = leads() ? servers_.by_id(node_id_) : std::nullopt;
  return self ? Result<rpc::Target>(target_of(*self)) : leader();
}

Result<rpc::Target> RpcPlane::route(std::string_view datacenter) const {
  const bool through = gateways_ != nullptr && gateways_->is_elsewhere(datacenter);
  if (through && !gateways_->knows_way(datacenter)) {
    const std::vector<std::string> known = servers_.datacenters();
    if (std::ranges::find(known, datacenter) == known.end()) return Error{Errc::not_found, rpc::kNoPath};
    if (servers_.may_complain(datacenter)) {
      log_.warn("no mesh gateway is known that leads to the datacenter",
                {{"datacenter", datacenter},
                 {"advice",
                  "see that a mesh gateway of this datacenter is registered with the metadata "
                  "consul-wan-federation=1 and passes its checks, or set primary_gateways"}});
    }
    return Error{Errc::unavailable, rpc::kDatacenterUnreachable};
  }
  if (const std::optional<ServerInfo> server = servers_.route(datacenter)) return target_of(*server);
  const std::vector<std::string> known = servers_.datacenters();
  const bool exists = std::ranges::find(known, datacenter) != known.end();
  const bool merely_begun = !exists && std::chrono::steady_clock::now() < kBegun + kFirstJoin;
  if (!merely_begun && servers_.may_complain(datacenter)) {
    log_.warn(exists ? "RPC request to DC is currently failing as no server can be reached"
                     : "RPC request for DC is currently failing as no path was found",
              {{"datacenter", datacenter}, {"advice", servers_.explain(datacenter)}});
  }
  if (exists) return Error{Errc::unavailable, rpc::kDatacenterUnreachable};
  return Error{Errc::not_found, rpc::kNoPath};
}

void RpcPlane::failed(const rpc::Target& target, const Error& error) {
  servers_.failed(target.datacenter, target.node);
  if (!servers_.may_complain(target.node)) return;
  log_.error("RPC failed to server in DC",
             {{"server", target.address}, {"datacenter", target.datacenter}, {"error", error}});
}

void RpcPlane::ask(const ServerInfo& server, std::string_view method, rpc::InvocationPtr invocation,
                   rpc::Finished done) {
  base::net::Loop& loop = loops_.next();
  loop.post([this, &loop, to = target_of(server), method, invocation = std::move(invocation),
             done = std::move(done)]() mutable {
    auto call = std::make_shared<std::unique_ptr<rpc::Pool::Call>>();
    auto& place = *call;
    place = connections_->pool().call(loop, to, method, std::move(invocation),
                                      [&loop, call = std::move(call), done = std::move(done)](Result<> result) mutable {
                                        loop.post([dead = std::move(*call)] {});  // it is on the stack
                                        done(std::move(result));
                                      });
  });
}

void RpcPlane::fetch_stats(const std::vector<ServerInfo>& servers,
                           std::move_only_function<void(server::PoolDuties::Statistics)> done) {
  // Whatever is there when all have answered, or when the time is over.
  struct Gathered {
    std::mutex mutex{};
    server::PoolDuties::Statistics statistics{};
    std::size_t missing = 0;
    std::move_only_function<void(server::PoolDuties::Statistics)> done{};
    void finish() {
      std::move_only_function<void(server::PoolDuties::Statistics)> first;
      server::PoolDuties::Statistics found;
      {
        const std::lock_guard lock(mutex);
        first = std::exchange(done, nullptr);
        found = statistics;
      }
      if (first) first(std::move(found));
    }
  };
  auto gathered = std::make_shared<Gathered>();
  gathered->done = std::move(done);
  for (const ServerInfo& server : servers) gathered->missing += server.id == node_id_ ? 0 : 1;
  if (gathered->missing == 0) return gathered->finish();
  for (const ServerInfo& server : servers) {
    if (server.id == node_id_) continue;
    auto call = std::make_shared<Call<rpc::Nothing, rpc::RaftStats>>();
    ask(server, "Status.RaftStats", call, [gathered, call, id = server.id](const Result<>& answered) {
      {
        const std::lock_guard lock(gathered->mutex);
        if (answered) {
          gathered->statistics[id] = {.last_contact = contact_of(call->reply.LastContact),
                                      .last_term = call->reply.LastTerm,
                                      .last_index = call->reply.LastIndex};
        }
        if (--gathered->missing != 0) return;
      }
      gathered->finish();
    });
  }
  leader_.after(base::Duration{std::chrono::nanoseconds(kStatsTime).count()}, [gathered] { gathered->finish(); });
}

Result<std::vector<std::string>> RpcPlane::peers_of(const ServerInfo& server) {
  auto call = std::make_shared<Call<rpc::DCSpecificRequest, base::List<std::string>>>();
  call->request.Datacenter = config_.datacenter;
  auto promise = std::make_shared<std::promise<Result<>>>();  // outlives whoever stops waiting
  std::future<Result<>> answered = promise->get_future();
  ask(server, "Status.Peers", call, [promise](Result<> result) { promise->set_value(std::move(result)); });
  if (answered.wait_for(kPeersTime) != std::future_status::ready) return Error{Errc::timeout, "no answer"};
  if (const Result<> result = answered.get(); !result) return result.error();
  return std::vector<std::string>(call->reply.begin(), call->reply.end());
}

}  // namespace proconsul::agent::cluster
