#include "agent/agent.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "agent/auto_reload.h"
#include "agent/backup/scheduler.h"
#include "agent/certificate_check.h"
#include "agent/client_mode.h"
#include "agent/cluster/connections.h"
#include "agent/cluster/coordinate_sender.h"
#include "agent/cluster/pools.h"
#include "agent/cluster/retry_join.h"
#include "agent/cluster/wan_gateways.h"
#include "agent/config/node_id.h"
#include "agent/config/ours.h"
#include "agent/config/snapshots.h"
#include "agent/definitions.h"
#include "agent/dns/server.h"
#include "agent/event/events.h"
#include "agent/event/remote_exec.h"
#include "agent/grpc_ports.h"
#include "agent/http/context.h"
#include "agent/http/overview.h"
#include "agent/http/request_limits.h"
#include "agent/http/server.h"
#include "agent/http/stream_endpoint.h"
#include "agent/http_settings.h"
#include "agent/local/local_agent.h"
#include "agent/local/rpc_central_config.h"
#include "agent/mesh/leaf_certs.h"
#include "agent/own_gateway.h"
#include "agent/own_server.h"
#include "agent/server_mode.h"
#include "agent/start_rules.h"
#include "agent/telemetry/telemetry.h"
#include "agent/tls_settings.h"
#include "agent/version.h"
#include "agent/watches.h"
#include "base/clock.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/net/loop.h"
#include "base/net/tls.h"
#include "base/random.h"
#include "ui-proxy/metrics_proxy.h"
#include "ui-proxy/site.h"

namespace proconsul::agent {
namespace {

using base::Errc;
using base::Result;
using config::Config;

const base::log::Logger kLog("agent");
constexpr std::chrono::seconds kLeaveTime{15};

}  // namespace

// In the order in which the parts depend on each other; they end in reverse.
struct Agent::Impl final : http::AgentControl {
  config::Loaded loaded;
  config::LoadOptions options;
  std::mutex reload_mutex;
  mutable std::mutex reloaded_mutex;
  std::optional<Config> reloaded;  // by reloaded_mutex: after a reload, what /v1/agent/self shows
  std::atomic<bool> debug{};
  Events events;
  std::string node_id;
  base::net::Loops loops;
  std::unique_ptr<cluster::WanGateways> gateways;  // null: other datacenters are reached directly
  std::unique_ptr<cluster::Pools> pools;
  std::unique_ptr<Mode> mode;
  base::WatchRegistry local_watches{};
  std::unique_ptr<local::RpcCentralConfig> central;  // null: registrations are all that there is
  std::unique_ptr<local::LocalAgent> local;
  std::atomic<local::LocalAgent*> live_local{};    // once there is one: the pools are there before it
  std::unique_ptr<event::RemoteExec> remote_exec;  // null: it is disabled
  std::unique_ptr<event::Events> events_seen;
  std::atomic<event::Events*> live_events{};  // the same
  std::unique_ptr<http::Overview> overview;
  std::unique_ptr<mesh::LeafCerts> leaf_certs;
  std::unique_ptr<http::StreamHub> streams;
  http::RequestLimits limits;
  tokens::Store tokens;
  std::unique_ptr<http::Context> context;
  std::shared_ptr<base::net::TlsContext> https;  // null: not served
  std::shared_ptr<base::net::TlsContext> check_tls;
  std::unique_ptr<ui_proxy::Site> site;  // null: there is no web UI
  std::unique_ptr<http::HttpServer> http;
  std::unique_ptr<ui_proxy::MetricsProxy> metrics_proxy;  // after http: what still waits for an answer refers to that
  std::unique_ptr<dns::DnsServer> dns;
  std::unique_ptr<xds::Service> xds;
  std::unique_ptr<GrpcPorts> grpc;  // null: there are none
  std::unique_ptr<Telemetry> telemetry;
  std::size_t pings = 0;  // to each loop
  std::atomic<std::size_t> pongs{0};
  base::Background background{};                             // its threads use all of the above
  std::unique_ptr<cluster::CoordinateSender> coordinates{};  // null: they are disabled
  std::unique_ptr<CertificateCheck> certificates{};          // null: it is off
  std::vector<std::unique_ptr<cluster::RetryJoin>> joining{};
  std::unique_ptr<backup::Scheduler> snapshots{};  // null: none are scheduled
  std::unique_ptr<OwnGateway> gateway{};           // null: it is off
  base::Interrupt hurry{};                         // of who waits for connections through it
  Watches watches{};                               // by reload_mutex
  std::unique_ptr<AutoReload> auto_reload;  // last: its thread uses all of the above; null: files are not looked at

  Impl(config::Loaded loaded_, config::LoadOptions options_, Events events_)
      : loaded(std::move(loaded_)), options(std::move(options_)), events(std::move(events_)) {}

  Result<> start();
  Result<> settle_identity();
  Result<> start_gossip();
  Result<> start_local();
  Result<> start_api();
  Result<> listen();
  Result<> listen_dns();
  void join_others();
  Result<> schedule_snapshots();
  Result<> leave_cluster() {
    return mode->leave([this] { return leave_pools(); });
  }
  /// Says goodbye to the pools, and waits for it.
  Result<> leave_pools();
  Result<> reload() override { return reload(false); }
  /// `automatic`: files changed, but nobody asked.
  Result<> reload(bool automatic);
  std::vector<std::string> watched_files() const;
  Result<> leave() override;
  bool debug_enabled() const override { return debug; }
  Mode::Sections statistics() const override { return mode->statistics(); }
  std::string config_json() const override;
  std::string debug_config_json() const override;
};

Result<> Agent::Impl::start() {
  const Config& config = loaded.config;
  if (Result<> allowed = check_start(config); !allowed) return allowed;
  if (Result<> settled = settle_identity(); !settled) return settled;
  if (Result<> gossiping = start_gossip(); !gossiping) return gossiping;
  if (Result<> begun = mode->start(*pools); !begun) return begun;
  Result<std::shared_ptr<base::net::TlsContext>> of_checks = base::net::TlsContext::client(
      config.enable_agent_tls_for_checks ? tls_settings(config.tls.internal_rpc) : base::net::TlsSettings{});
  if (!of_checks) return of_checks.error();
  check_tls = std::move(*of_checks);
  Result<std::unique_ptr<OwnGateway>> forwarding = OwnGateway::start(loaded, loops);
  if (!forwarding) return forwarding.error();
  gateway = std::move(*forwarding);
  if (Result<> begun = start_local(); !begun) return begun;
  if (Result<> begun = start_api(); !begun) return begun;
  // Before anybody can see that the agent is there: a file that is changed from then on counts as changed.
  if (config.auto_reload_config) {
    const auto changed = [this] {
      kLog.info("auto-reload: files of the configuration have changed");
      if (const Result<> done = reload(true); !done) kLog.error("error loading config", {{"error", done.error()}});
    };
    auto_reload = std::make_unique<AutoReload>(
        [this] { return watched_files(); }, changed,
        std::chrono::milliseconds(config.auto_reload_config_coalesce_interval.nanoseconds / 1'000'000));
  }
  const std::lock_guard no_reload(reload_mutex);
  if (Result<> listening = listen(); !listening) return listening;
  mode->take_part();
  if (gateway) {
    if (Result<> following = gateway->follow(); !following) return following;
  }
  join_others();
  if (!config.disable_coordinates) {
    coordinates = std::make_unique<cluster::CoordinateSender>(
        loops.next(), mode->caller(), *pools,
        cluster::CoordinateSender::Options{.node = config.node_name,
                                           .datacenter = config.datacenter,
                                           .token = [this] { return tokens.agent(); },
                                           .ready = [this] { return mode->knows_tokens(); },
                                           .rate = config.sync_coordinate_rate_target,
                                           .interval_min = config.sync_coordinate_interval_min});
  }
  const Result<config::Ours> ours = config::ours(loaded);
  if (!ours) return ours.error();
  if (const auto& check = ours->certificate_expiry_check; check.enabled) {
    certificates = std::make_unique<CertificateCheck>(loops.next(), background, *local, config, check,
                                                      [this] { return tokens.agent(); });
  }
  if (Result<> scheduled = schedule_snapshots(); !scheduled) return scheduled;
  return watches.replace(config);
}

Result<> Agent::Impl::schedule_snapshots() {
  std::vector<std::string> none;  // the configuration was checked
  config::SnapshotSchedule schedule = config::snapshot_schedule(loaded.settings, none);
  if (mode->server() == nullptr || !schedule.enabled()) return {};
  const Config& config = loaded.config;
  Result<std::unique_ptr<backup::Scheduler>> begun =
      backup::Scheduler::start({.schedule = std::move(schedule),
                                .datacenter = config.datacenter,
                                .node = config.node_name,
                                .scratch = config.dev_mode ? "" : config.data_dir},
                               *mode->server(), *mode->cluster(), loops.next());
  if (!begun) return begun.error();
  snapshots = std::move(*begun);
  return {};
}

Result<> Agent::Impl::settle_identity() {
  const Config& config = loaded.config;
  if (!config.dev_mode) {
    std::error_code error;
    std::filesystem::create_directories(config.data_dir, error);
    if (error) return {Errc::internal, "cannot create data_dir " + config.data_dir + ": " + error.message()};
  }
  Result<std::string> id = config::settle_node_id(config, base::system_random());
  if (!id) return id.error();
  node_id = std::move(*id);
  loaded.config.node_id = node_id;
  return {};
}

Result<> Agent::Impl::start_gossip() {
  const Config& config = loaded.config;
  limits.set(request_limits(config));
  if (const Result<> loaded_tokens = tokens.load(own_tokens(config), tokens_file(config)); !loaded_tokens) {
    kLog.warn("unable to load persisted tokens", {{"error", loaded_tokens.error()}});
  }
  const Result<config::Ours> ours = config::ours(loaded);
  if (!ours) return ours.error();
  base::net::Loop& gossip_loop = loops.next();
  Result<std::unique_ptr<cluster::WanGateways>> through = cluster::WanGateways::create(gossip_loop, config);
  if (!through) return through.error();
  gateways = std::move(*through);
  const Mode::Parts parts{.loops = loops,
                          .config = config,
                          .node_id = node_id,
                          .tokens = tokens,
                          .logins = {.most_tokens = ours->acl_login.max_tokens_per_method,
                                     .rate = ours->acl_login.rate,
                                     .burst = ours->acl_login.burst},
                          .limit =
                              [this](const rpc::Method& method, bool leads, const std::string& from) {
                                return limits.refuse_call(method.name, method.writes(), leads, from);
                              },
                          .gateways = gateways.get()};
  if (config.server_mode) {
    Result<std::unique_ptr<ServerMode>> made = ServerMode::create(parts);
    if (!made) return made.error();
    mode = std::move(*made);
  } else {
    const auto server_up = [this] {
      if (local::LocalAgent* to = live_local) to->server_up();
    };
    Result<std::unique_ptr<ClientMode>> made = ClientMode::create(parts, server_up);
    if (!made) return made.error();
    mode = std::move(*made);
  }
  cluster::Pools::Events heard;
  heard.lan_member = [this](const auto& member, server::Fate fate) { mode->member_changed(member, fate); };
  heard.wan_member = [this](const auto& member, server::Fate fate) { mode->wan_member_changed(member, fate); };
  heard.leader_elected = [this] { mode->leader_elected(); };
  heard.user_event = [this](std::string_view name, std::string_view payload, std::uint64_t ltime) {
    if (event::Events* to = live_events) to->receive(name, payload, ltime);
  };
  Result<std::unique_ptr<cluster::Pools>> gossiping =
      cluster::Pools::start(gossip_loop, config, server_info(config, node_id), std::move(heard), gateways.get());
  if (!gossiping) return gossiping.error();
  pools = std::move(*gossiping);
  return {};
}

/// What the configuration defines, the gateway's own service among it.
static Result<local::Configured> definitions_of(const config::Loaded& loaded, const std::string& node_id) {
  const Result<std::optional<catalog::ServiceDefinition>> gateway = own_gateway_service(loaded);
  if (!gateway) return gateway.error();
  if (!*gateway) return configured(loaded.config, node_id);
  Config config = loaded.config;
  config.services.push_back(**gateway);
  return configured(config, node_id);
}

Result<> Agent::Impl::start_local() {
  const Config& config = loaded.config;
  local::LocalAgent::Options own;
  own.node = config.node_name;
  own.data_dir = config.dev_mode ? "" : config.data_dir;
  own.check_update_interval = config.check_update_interval;
  own.check_output_max_size = static_cast<std::size_t>(config.check_output_max_size);
  own.local_scripts = config.enable_local_script_checks;
  own.remote_scripts = config.enable_remote_script_checks;
  own.deregister_interval_min = config.check_deregister_interval_min;
  own.sync = {.interval = config.ae_interval, .far = !config.server_mode};
  own.tokens = [this]() -> local::SyncTokens {
    return {.agent = tokens.agent(),
            .file = tokens.get(tokens::Kind::config_file_registration),
            .others = tokens.get(tokens::Kind::default_)};
  };
  own.cluster_size = [this] { return pools->view(false)->members.size(); };
  own.sidecar_ports = {.min = config.connect_sidecar_min_port, .max = config.connect_sidecar_max_port};
  own.expose_ports = {.min = config.expose_min_port, .max = config.expose_max_port};
  own.checks.tls = check_tls;
  if (config.enable_central_service_config) {
    central = std::make_unique<local::RpcCentralConfig>(loops, mode->caller(), config.datacenter,
                                                        [this] { return mode->knows_tokens(); });
    own.central = central.get();
  }
  if (const char* docker = std::getenv("DOCKER_HOST")) own.checks.docker_host = docker;
  local = std::make_unique<local::LocalAgent>(std::move(own), mode->catalog(), local_watches, base::system_clock());
  Result<local::Configured> definitions = definitions_of(loaded, node_id);
  if (!definitions) return definitions.error();
  if (Result<> ready = local->start(std::move(*definitions)); !ready) return ready;
  live_local = local.get();

  event::Events::Options heard;
  heard.node = config.node_name;
  heard.services = [this] { return local->services(); };
  heard.broadcast = [this](std::string_view name, std::string_view payload) -> Result<> {
    pools->user_event(std::string(name), std::string(payload), [](const Result<>& sent) {
      if (!sent) kLog.warn("failed to send a user event", {{"error", sent.error()}});
    });
    return {};
  };
  if (!config.disable_remote_exec) {
    remote_exec = std::make_unique<event::RemoteExec>(
        loops.next(), mode->caller(),
        event::RemoteExec::Options{
            .node = config.node_name, .datacenter = config.datacenter, .token = [this] { return tokens.agent(); }});
    heard.execute = [this](event::UserEvent event) { remote_exec->run(std::move(event)); };
  }
  events_seen = std::make_unique<event::Events>(std::move(heard), local_watches);
  live_events = events_seen.get();
  return {};
}

Result<> Agent::Impl::start_api() {
  const Config& config = loaded.config;
  server::Server* const server = mode->server();
  overview = std::make_unique<http::Overview>(std::chrono::steady_clock::now());
  if (server != nullptr) streams = std::make_unique<http::StreamHub>(server->changes());
  debug = config.enable_debug;
  // The metrics server is no business of the agent's own certificates.
  Result<std::shared_ptr<base::net::TlsContext>> to_metrics = base::net::TlsContext::client({});
  if (!to_metrics) return to_metrics.error();
  metrics_proxy = std::make_unique<ui_proxy::MetricsProxy>(std::move(*to_metrics));
  metrics_proxy->set(metrics_proxy_settings(config));
  if (config.ui.enabled || !config.ui.dir.empty()) site = std::make_unique<ui_proxy::Site>(site_settings(config));
  leaf_certs = std::make_unique<mesh::LeafCerts>(
      mode->caller(), loops,
      mesh::LeafCerts::Options{.datacenter = config.datacenter,
                               .root_change_spread = config.connect_test_ca_leaf_root_change_spread});
  mode->use_certificates(*leaf_certs);
  context.reset(new http::Context{.server = server,
                                  .local_watches = local_watches,
                                  .settings = http_settings(config),
                                  .cluster = mode->cluster(),
                                  .background = &background,
                                  .local = local.get(),
                                  .events = events_seen.get(),
                                  .control = this,
                                  .overview = overview.get(),
                                  .streams = streams.get(),
                                  .pools = pools.get(),
                                  // On a client agent each call is limited where it is made.
                                  .limits = server != nullptr ? &limits : nullptr,
                                  .own_tokens = &tokens,
                                  .tokens = mode->tokens(),
                                  .remote_tokens = mode->remote_tokens(),
                                  .metrics_proxy = metrics_proxy.get(),
                                  .caller = &mode->caller(),
                                  .loops = &loops,
                                  .archives = &mode->archives(),
                                  .subscriber = &mode->subscriber(),
                                  .leaf_certs = leaf_certs.get(),
                                  .transfer = &mode->transfer(),
                                  .peerings = &mode->peerings()});
  telemetry = std::make_unique<Telemetry>(config, [this] { mode->read_gauges(); });
  if (Result<> opened = listen_dns(); !opened) return opened;
  http = std::make_unique<http::HttpServer>(loops, *context, http::all_routes(), site.get());
  http->limit_cache(config.cache.entry_fetch_rate, config.cache.entry_fetch_max_burst);
  return {};
}

void Agent::Impl::join_others() {
  const Config& config = loaded.config;
  for (const bool wan : {false, true}) {
    if (wan && !pools->has_wan()) continue;
    cluster::RetryJoin::Options options;
    options.cluster = wan ? "WAN" : "LAN";
    const auto& addresses = wan ? config.retry_join_wan : config.retry_join_lan;
    options.addresses.assign(addresses.begin(), addresses.end());
    options.interval = wan ? config.retry_join_interval_wan : config.retry_join_interval_lan;
    options.max_attempts = wan ? config.retry_join_max_attempts_wan : config.retry_join_max_attempts_lan;
    joining.push_back(std::make_unique<cluster::RetryJoin>(
        std::move(options),
        [this, wan](const std::vector<std::string>& to, const base::Interrupt& stopping) {
          return pools->join_and_wait(to, wan, stopping);
        },
        [this](const base::Error& error) {
          kLog.error("Retry join failed", {{"error", error}});
          if (events.failed) events.failed();
        }));
  }
}

Result<> Agent::Impl::listen_dns() {
  server::Server* const server = mode->server();
  Result<dns::Settings> settings = dns::dns_settings(loaded.config);
  if (!settings) return settings.error();
  dns = std::make_unique<dns::DnsServer>(
      loops, server, &mode->caller(),
      dns::Eyes{.own = loaded.config.acls_enabled || !server ? &tokens : nullptr, .resolver = mode->tokens()},
      std::move(*settings));
  for (const config::Address& address : loaded.config.dns_addrs) {
    if (Result<std::uint16_t> port = dns->listen(address); !port) {
      return {port.error().code, "Failed to start DNS listener: " + port.error().detail};
    }
    const char* network = address.kind == config::Address::Kind::udp ? "udp" : "tcp";
    kLog.info("Started DNS server", {{"address", address.to_string()}, {"network", network}});
  }
  return {};
}

Result<> Agent::Impl::listen() {
  const Config& config = loaded.config;
  const auto open = [&](const config::List<config::Address>& addresses,
                        const std::shared_ptr<base::net::TlsContext>& tls, const char* protocol) -> Result<> {
    for (const config::Address& address : addresses) {
      if (address.kind == config::Address::Kind::unix_socket) {
        if (Result<> opened = http->listen_unix(address.path, config.unix_socket_user, config.unix_socket_group,
                                                config.unix_socket_mode);
            !opened) {
          return opened;
        }
      } else if (Result<std::uint16_t> port = http->listen_tcp(address.ip.to_string(), address.port, tls); !port) {
        return {port.error().code, "Failed to start HTTP listener: " + port.error().detail};
      }
      kLog.info("Starting server", {{"address", address.to_string()}, {"protocol", protocol}});
    }
    return {};
  };
  xds = std::make_unique<xds::Service>(xds::Service::Parts{.loops = loops,
                                                           .caller = mode->caller(),
                                                           .local = *local,
                                                           .local_watches = local_watches,
                                                           .server = mode->server(),
                                                           .tokens = mode->tokens(),
                                                           .remote_tokens = mode->remote_tokens(),
                                                           .node = config.node_name,
                                                           .datacenter = config.datacenter,
                                                           .domain = cluster::tls_rules(config).domain});
  Result<std::unique_ptr<GrpcPorts>> grpc_ports =
      GrpcPorts::listen({.loops = loops,
                         .mode = *mode,
                         .dns = *dns,
                         .xds = *xds,
                         .limits = mode->server() != nullptr ? &limits : nullptr},
                        config);
  if (!grpc_ports) return grpc_ports.error();
  grpc = std::move(*grpc_ports);
  if (Result<> opened = open(config.http_addrs, nullptr, "http"); !opened) return opened;
  if (config.https_addrs.empty()) return {};
  Result<std::shared_ptr<base::net::TlsContext>> tls = base::net::TlsContext::server(https_settings(config.tls.https));
  if (!tls) return tls.error();
  https = std::move(*tls);
  return open(config.https_addrs, https, "https");
}

Agent::Agent(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Agent::~Agent() {
  stop();
}

Result<std::unique_ptr<Agent>> Agent::start(config::Loaded loaded, config::LoadOptions options, Events events) {
  std::unique_ptr<Agent> agent(
      new Agent(std::make_unique<Impl>(std::move(loaded), std::move(options), std::move(events))));
  if (Result<> started = agent->impl_->start(); !started) {
    agent->stop();
    return started.error();
  }
  return agent;
}

Result<> Agent::Impl::leave_pools() {
  auto promise = std::make_shared<std::promise<Result<>>>();  // outlives this if the pools take too long
  std::future<Result<>> left = promise->get_future();
  pools->leave([promise](Result<> result) { promise->set_value(std::move(result)); });
  if (left.wait_for(kLeaveTime) != std::future_status::ready) {
    return {Errc::timeout, "the gossip pools were not left in time; others will see this agent as failed"};
  }
  return left.get();
}

Result<> Agent::Impl::leave() {
  if (const Result<> left = leave_cluster(); !left) {
    kLog.error("failed to leave LAN Serf cluster", {{"error", left.error()}});
  }
  if (events.left) events.left();
  return {};
}

/// The configuration's sources, and the certificates that it names.
std::vector<std::string> Agent::Impl::watched_files() const {
  std::vector<std::string> files = options.paths;
  const std::lock_guard lock(reloaded_mutex);
  const config::Tls& tls = (reloaded ? *reloaded : loaded.config).tls;
  for (const config::TlsListener* listener : {&tls.internal_rpc, &tls.grpc, &tls.https}) {
    for (const std::string& file : {listener->key_file, listener->cert_file}) {
      if (!file.empty()) files.push_back(file);
    }
  }
  return files;
}

/// Whoever can write a file must not be able to weaken what the agent asks of its peers: for that, somebody has to say
/// `reload`. Certificates themselves are exchanged.
static void keep_tls(config::TlsListener& fresh, const config::TlsListener& before, const char* name) {
  config::TlsListener wanted = before;
  wanted.cert_file = fresh.cert_file;
  wanted.key_file = fresh.key_file;
  if (wanted == fresh) return;
  kLog.warn(
      "Changes to your configuration were detected that for security reasons cannot be automatically applied by "
      "'auto_reload_config'. Manually reload your configuration (e.g. with 'consul reload') to apply these "
      "changes.",
      {{"key", std::string("tls.") + name}});
  fresh = std::move(wanted);
}

Result<> Agent::Impl::reload(bool automatic) {
  const std::lock_guard one_at_a_time(reload_mutex);  // a signal and the API may ask at once
  Result<config::Loaded> fresh = config::load(options);
  if (!fresh) return fresh.error();
  if (const std::vector<std::string> missing = config::not_built(*fresh); !missing.empty()) {
    return {Errc::internal, missing.front()};
  }
  for (const config::Change& change : config::changes(loaded.settings, fresh->settings)) {
    if (!change.reloadable) kLog.warn("a changed key takes effect at the next start", {{"key", change.path}});
  }
  Config& config = fresh->config;
  if (automatic) {
    const config::Tls& before = (reloaded ? *reloaded : loaded.config).tls;  // only reloads write it
    keep_tls(config.tls.internal_rpc, before.internal_rpc, "internal_rpc");
    keep_tls(config.tls.grpc, before.grpc, "grpc");
    keep_tls(config.tls.https, before.https, "https");
  }
  keep_own_gateway(fresh->settings, loaded.settings);
  Result<local::Configured> definitions = definitions_of(*fresh, node_id);
  if (!definitions) return definitions.error();
  if (Result<> fit = check_certificates(config.tls); !fit) return fit;
  if (https) {
    if (Result<> changed = https->reload(https_settings(config.tls.https)); !changed) return changed;
  }
  if (grpc) {
    if (Result<> changed = grpc->reload(config); !changed) return changed;
  }
  if (Result<> changed = mode->reload_tls(config); !changed) return changed;
  if (loaded.config.enable_agent_tls_for_checks) {
    if (Result<> changed = check_tls->reload(tls_settings(config.tls.internal_rpc)); !changed) return changed;
  }
  Result<dns::Settings> dns_settings = dns::dns_settings(config);
  if (!dns_settings) return {dns_settings.error().code, "Failed reloading dns config : " + dns_settings.error().detail};
  if (gateway) {
    if (Result<> changed = gateway->reload(*fresh); !changed) return changed;
  }
  if (Result<> watching = watches.replace(config); !watching) {
    return {watching.error().code, "Failed reloading watches: " + watching.error().detail};
  }
  if (const Result<> loaded_tokens = tokens.load(own_tokens(config), tokens_file(config)); !loaded_tokens) {
    kLog.warn("unable to load persisted tokens", {{"error", loaded_tokens.error()}});
  }
  std::promise<Result<>> promise;
  std::future<Result<>> done = promise.get_future();
  local->reload(std::move(*definitions), [&promise](Result<> result) { promise.set_value(std::move(result)); });
  if (Result<> ended = done.get(); !ended) return ended;
  if (const Result<base::log::Level> level = base::log::parse_level(config.logging.level)) {
    base::log::set_level(*level);
  } else {
    kLog.warn("Invalid log level in new configuration", {{"level", config.logging.level}});
    config.logging.level = loaded.config.logging.level;
  }
  if (dns) dns->reload(std::move(*dns_settings));
  http->limit_connections(config.http_max_conns_per_client);
  http->limit_cache(config.cache.entry_fetch_rate, config.cache.entry_fetch_max_burst);
  limits.set(request_limits(config));
  metrics_proxy->set(metrics_proxy_settings(config));
  if (site) site->set(site_settings(config));
  mode->reconfigure(config);
  base::metrics::Options metrics = metrics_options(config);
  base::metrics::set_filter(std::move(metrics.allow), std::move(metrics.block));
  debug = config.enable_debug;
  loaded.settings = std::move(fresh->settings);
  const std::lock_guard lock(reloaded_mutex);
  reloaded = std::move(config);
  reloaded->node_id = node_id;
  return {};
}

std::string Agent::Impl::config_json() const {
  const Config& config = loaded.config;
  base::Value::MapType shown;
  shown.emplace("Datacenter", config.datacenter);
  shown.emplace("PrimaryDatacenter", config.primary_datacenter);
  shown.emplace("NodeName", config.node_name);
  shown.emplace("NodeID", node_id);
  shown.emplace("Revision", config.revision);
  shown.emplace("Server", config.server_mode);
  shown.emplace("Version", config.version);
  shown.emplace("BuildDate", base::to_rfc3339(config.build_date));
  return base::to_json(base::Value(std::move(shown)));
}

std::string Agent::Impl::debug_config_json() const {
  const std::lock_guard lock(reloaded_mutex);
  return base::to_json(base::Value(config::debug_view(reloaded ? *reloaded : loaded.config)));
}

Result<> Agent::leave() {
  return impl_->leave_cluster();
}

Result<> Agent::reload() {
  return impl_->reload();
}

bool Agent::responsive() {
  base::net::Loops& loops = impl_->loops;
  if (impl_->pongs != impl_->pings * loops.size()) return false;
  ++impl_->pings;
  for (std::size_t i = 0; i < loops.size(); ++i) loops[i].post([&pongs = impl_->pongs] { ++pongs; });
  return true;
}

void Agent::stop() {
  impl_->auto_reload.reset();
  {
    const std::lock_guard no_reload(impl_->reload_mutex);
    impl_->watches.stop();
    // While all else still answers: what is in flight may end, and nobody comes any more.
    if (impl_->gateway) impl_->gateway->drain(impl_->hurry);
    impl_->gateway.reset();
  }
  // The local agent and raft first: every request that waits for them gets its answer while listeners can send it.
  impl_->telemetry.reset();
  impl_->snapshots.reset();
  impl_->joining.clear();
  impl_->coordinates.reset();
  impl_->certificates.reset();
  if (impl_->remote_exec) impl_->remote_exec->stop();
  if (impl_->grpc) impl_->grpc->stop();
  if (impl_->dns) impl_->dns->stop();
  if (impl_->local) impl_->local->stop();
  if (impl_->leaf_certs) impl_->leaf_certs->stop();
  if (impl_->mode) impl_->mode->stop();
  if (impl_->http) impl_->http->stop();
  impl_->pools.reset();
  if (impl_->gateways) impl_->gateways->stop();
  impl_->loops.stop();
}

void Agent::hurry() {
  impl_->hurry.raise();
}

const Config& Agent::config() const {
  return impl_->loaded.config;
}

const std::string& Agent::node_id() const {
  return impl_->node_id;
}

}  // namespace proconsul::agent
