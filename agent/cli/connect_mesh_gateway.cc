// connect mesh-gateway.
#include <signal.h>

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <ostream>

#include "agent/cli/client_flags.h"
#include "agent/cli/gateway_registration.h"
#include "agent/cli/mesh_commands.h"
#include "agent/cli/signals.h"
#include "agent/gateway/limits.h"
#include "agent/gateway/listening.h"
#include "agent/gateway/metrics_port.h"
#include "agent/gateway/runner.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/quote.h"

namespace proconsul::agent::cli {
namespace {

using base::Errc;
using base::Result;

constexpr Flag kGatewayFlags[] = {
    {.name = "connect-timeout",
     .kind = FlagKind::duration,
     .help = "How long to wait for a connection to one endpoint; a second at most if it is a server.",
     .default_value = "3s"},
    {.name = "data-dir",
     .kind = FlagKind::text,
     .help = "Folder to keep the last known routes in: a gateway that starts while its agent is away forwards by them.",
     .value_name = "path"},
    {.name = "drain-timeout",
     .kind = FlagKind::duration,
     .help = "How long open connections may go on when the gateway is stopped, or when their route is gone.",
     .default_value = "10s"},
    {.name = "handshake-timeout",
     .kind = FlagKind::duration,
     .help = "How long a client may take to say by TLS whom it wants.",
     .default_value = "5s"},
    {.name = "idle-timeout",
     .kind = FlagKind::duration,
     .help = "A connection that carries nothing for so long is ended.",
     .default_value = "1h"},
    {.name = "log-json", .kind = FlagKind::boolean, .help = "Log in JSON."},
    {.name = "log-level",
     .kind = FlagKind::text,
     .help = "The least level to log: trace, debug, info, warn, error.",
     .value_name = "level",
     .default_value = "INFO"},
    {.name = "max-connections",
     .kind = FlagKind::number,
     .help = "Most connections of all clients; 0: as many as the process may have."},
    {.name = "max-connections-per-source",
     .kind = FlagKind::number,
     .help = "Most connections of one client address; 0: any number. Another gateway is one address for many."},
    {.name = "metrics-address",
     .kind = FlagKind::text,
     .help = "Serve the gateway's metrics there: /metrics for Prometheus, /metrics?format=json as JSON.",
     .value_name = "ip:port"},
};

/// What the process is told while it runs.
class Orders {
 public:
  void give(int order) {
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(order);
    }
    given_.notify_one();
  }
  /// The next one; waits for it.
  int take() {
    std::unique_lock lock(mutex_);
    given_.wait(lock, [&] { return !waiting_.empty(); });
    const int order = waiting_.front();
    waiting_.pop_front();
    return order;
  }

 private:
  std::mutex mutex_{};
  std::condition_variable given_{};
  std::deque<int> waiting_{};
};

Result<config::MeshGatewayLimits> limits_of(const FlagValues& flags) {
  const config::MeshGatewayLimits limits{
      .max_connections = static_cast<std::int64_t>(flags.number("max-connections")),
      .max_connections_per_source = static_cast<std::int64_t>(flags.number("max-connections-per-source")),
      .handshake_timeout = flags.duration("handshake-timeout"),
      .connect_timeout = flags.duration("connect-timeout"),
      .idle_timeout = flags.duration("idle-timeout"),
      .drain_timeout = flags.duration("drain-timeout")};
  std::string why = config::wrong_limit(limits);
  if (why.empty()) return limits;
  for (char& c : why) {
    if (c == ':') break;
    if (c == '_') c = '-';
  }
  return {Errc::invalid_argument, "-" + why};
}

/// The registration by which the flags mean the gateway to be known; none without -register. The detail of an error is
/// the whole message.
Result<std::optional<catalog::ServiceDefinition>> registration_of(const FlagValues& flags,
                                                                  const GatewayRegistration& gateway,
                                                                  const config::Surroundings& host) {
  if (!flags.boolean("register")) return std::optional<catalog::ServiceDefinition>{};
  Result<catalog::ServiceDefinition> service = gateway_service(gateway, host);
  if (!service) return service.error();
  // It listens before it is registered, and nobody is to wait for the first check.
  service->Check.Status = "passing";
  return std::optional(std::move(*service));
}

/// The gateway that is registered already, by -service or because it is the only one. Waits for the agent; "" if a
/// signal came before.
Result<std::string> registered_gateway(const Context& context, ApiConfig api, base::Interrupt& stop) {
  if (context.flags.is_set("service")) return context.flags.text("service");
  api.interrupt = &stop;
  bool said = false;
  while (!stop.raised()) {
    Result<ApiClient> client = ApiClient::make(api);
    if (!client) return client.error();
    Result<http::AgentService> found = find_gateway(*client, catalog::kKindMeshGateway);
    if (found) return std::move(found->ID);
    if (found.error().code == Errc::not_found || found.error().code == Errc::conflict) return found.error();
    if (!said) context.ui.error(found.error().detail + "; trying again");
    said = true;
    stop.sleep(base::seconds(1));
  }
  return std::string();
}

Result<> log_to_stdout(const FlagValues& flags) {
  const Result<base::log::Level> level = base::log::parse_level(flags.text("log-level"));
  if (!level) return level.error();
  return base::log::configure({.level = *level, .json = flags.boolean("log-json")});
}

/// SIGHUP: token and certificate files are read again, templates expanded, and the agent is asked and told anew.
Result<> renew(const Context& context, gateway::Runner& runner) {
  Result<ApiConfig> api = client_config(context);
  if (!api) return api.error();
  const auto host = config::Surroundings::of_this_host();
  const Result<GatewayRegistration> gateway = gateway_of_flags(context.flags, catalog::kKindMeshGateway, host);
  if (!gateway) return gateway.error();
  Result<std::optional<catalog::ServiceDefinition>> registration = registration_of(context.flags, *gateway, host);
  if (!registration) return registration.error();
  api->advice = nullptr;
  gateway::Runner::Change change;
  change.asking.emplace() = {
      .api = std::move(*api), .registration = std::move(*registration), .wan_federation = gateway->expose_servers};
  return runner.change(std::move(change));
}

int run_mesh_gateway(const Context& context) {
  const FlagValues& flags = context.flags;
  if (!context.arguments.empty()) return too_many_arguments(context, "0");
  const auto host = config::Surroundings::of_this_host();
  const Result<GatewayRegistration> described = gateway_of_flags(flags, catalog::kKindMeshGateway, host);
  if (!described) return bad_flag(context, described.error().detail);
  Result<ApiConfig> api = client_config(context);
  if (!api) return fail(context, "Error connecting to Consul agent: " + api.error().detail);
  api->advice = nullptr;  // it tries again by itself
  if (described->expose_servers && !flags.boolean("register")) {
    return fail(context, "'-expose-servers' requires '-register'");
  }
  for (const char* flag : {"address", "wan-address", "bind-address", "deregister-after-critical"}) {
    if (flags.boolean("register") || !flags.is_set(flag)) continue;
    return fail(context,
                "'-" + std::string(flag) + "' requires '-register': else what the agent has registered counts");
  }
  const Result<config::MeshGatewayLimits> limits = limits_of(flags);
  if (!limits) return fail(context, limits.error().detail);
  Result<std::optional<catalog::ServiceDefinition>> registration = registration_of(flags, *described, host);
  if (!registration) return fail(context, registration.error().detail);

  base::Interrupt stop;
  base::Interrupt cut;
  Orders orders;
  const Signals signals(
      [&](int number) {
        // A second signal ends what still waits for connections.
        if (number != SIGHUP && stop.raised()) return cut.raise();
        if (number != SIGHUP) stop.raise();
        orders.give(number);
      },
      {SIGHUP});
  if (Result<> logs = log_to_stdout(flags); !logs) return fail(context, logs.error().detail);

  gateway::Runner::Options options{.api = *api,
                                   .wan_federation = described->expose_servers,
                                   .registration = std::move(*registration),
                                   .limits = gateway::limits_of(*limits)};
  if (options.registration) {
    Result<std::vector<wanfed::gateway::Address>> addresses = gateway::listening_addresses(*options.registration);
    if (!addresses) return fail(context, addresses.error().detail);
    options.listen = std::move(*addresses);
    options.service = options.registration->ID;
  } else {
    Result<std::string> id = registered_gateway(context, *api, stop);
    if (!id) return fail(context, id.error().detail);
    if (stop.raised()) return 0;
    options.service = std::move(*id);
  }
  if (const std::string& folder = flags.text("data-dir"); !folder.empty()) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) return fail(context, "-data-dir: cannot create " + folder + ": " + error.message());
    options.file = (std::filesystem::path(folder) / "mesh-gateway.json").string();
  }
  const std::string name = options.registration ? options.registration->Name : options.service;
  options.registered = [&context, name, said = false]() mutable {
    if (std::exchange(said, true)) return;
    context.ui.output("Registered service: " + name);
    context.ui.out.flush();
  };

  base::net::Loops loops;
  Result<std::unique_ptr<gateway::Runner>> runner = gateway::Runner::start(loops, std::move(options));
  if (!runner) {
    return fail(context, "Error starting the gateway: " + runner.error().detail);
  }
  std::unique_ptr<gateway::MetricsPort> metrics;
  if (const std::string& address = flags.text("metrics-address"); !address.empty()) {
    base::metrics::configure({.prometheus_retention_seconds = 60});
    Result<std::unique_ptr<gateway::MetricsPort>> port = gateway::MetricsPort::start(address);
    if (!port) return fail(context, "-metrics-address: " + port.error().detail);
    metrics = std::move(*port);
  }
  if (Result<> following = (*runner)->follow(); !following) {
    return fail(context, "Error connecting to Consul agent: " + following.error().detail);
  }
  const base::log::Logger log("mesh-gateway");
  while (orders.take() == SIGHUP) {
    if (Result<> renewed = renew(context, **runner); !renewed) {
      log.error("nothing was changed", {{"error", renewed.error()}});
    } else {
      log.info("token, certificates and registration are renewed");
    }
  }
  (*runner)->drain(cut);
  metrics.reset();
  runner->reset();
  loops.stop();
  return 0;
}

constexpr Command kCommands[] = {
    {.name = "connect mesh-gateway",
     .synopsis = "Run the built-in mesh gateway",
     .usage = "connect mesh-gateway [options]",
     .help = R"(  Forwards TLS connections by the server name they ask for: to this datacenter's servers
  (-expose-servers) and mesh services, and to other datacenters' gateways. It decrypts
  nothing, and learns from the agent what there is. With -register it registers itself and
  takes that back at the end; without, it takes the place of the one mesh gateway that the
  agent has, or of -service. It listens at -address, also at -wan-address if both are of
  this host, or at each -bind-address instead.

  A signal (SIGINT, SIGTERM) ends it: it takes no more connections and waits for those that
  are open, at most -drain-timeout; a second signal cuts them. On SIGHUP it reads token and
  certificate files again and registers anew.

      $ consul connect mesh-gateway -register -expose-servers -service mesh-gateway \
          -address 10.0.0.5:8443 -wan-address 198.51.100.7:8443)",
     .flags = {kGatewayRegistrationFlags, kGatewayFlags, kClientFlags, kTenancyFlags},
     .run = run_mesh_gateway},
};

}  // namespace

std::span<const Command> connect_mesh_gateway_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
