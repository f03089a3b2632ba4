// connect envoy.
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "agent/cli/client_flags.h"
#include "agent/cli/connection.h"
#include "agent/cli/envoy_bootstrap.h"
#include "agent/cli/envoy_run.h"
#include "agent/cli/files.h"
#include "agent/cli/gateway_registration.h"
#include "agent/cli/mesh_commands.h"
#include "agent/grpc/envoy_access_logs.h"
#include "base/net/connection.h"
#include "base/quote.h"

namespace proconsul::agent::cli {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using base::Value;

constexpr const char* kKind = "mesh-gateway";
constexpr const char* kNoLog = "/dev/null";

constexpr Flag kEnvoyFlags[] = {
    {.name = "admin-access-log-path",
     .kind = FlagKind::text,
     .help = "File of the admin server's access log. Deprecated: set AccessLogs in proxy-defaults.",
     .default_value = kNoLog},
    {.name = "admin-bind",
     .kind = FlagKind::text,
     .help = "Where Envoy's admin server listens. Who reaches it controls the proxy.",
     .value_name = "host:port",
     .default_value = "localhost:19000"},
    {.name = "bootstrap", .kind = FlagKind::boolean, .help = "Print the bootstrap and do not run Envoy."},
    {.name = "enable-config-gen-logging", .kind = FlagKind::boolean, .help = "Say each step."},
    {.name = "envoy-binary",
     .kind = FlagKind::text,
     .help = "The program; by default envoy is sought in PATH.",
     .value_name = "path"},
    {.name = "envoy-ready-bind-address",
     .kind = FlagKind::text,
     .help = "Address at which Envoy says that it is ready. Needs the port, too.",
     .value_name = "ip"},
    {.name = "envoy-ready-bind-port", .kind = FlagKind::integer, .help = "Port of that."},
    {.name = "envoy-version",
     .kind = FlagKind::text,
     .help = "Deprecated, without effect: the program says its version itself.",
     .default_value = "1.34.1"},
    {.name = "gateway", .kind = FlagKind::text, .help = "Kind of the gateway: mesh.", .value_name = "kind"},
    {.name = "grpc-addr",
     .kind = FlagKind::text,
     .help =
         "The agent's gRPC port: host:port, perhaps behind http:// or https://, or unix:// and the path of a socket. "
         "Also CONSUL_GRPC_ADDR. By default the agent is asked.",
     .value_name = "address"},
    {.name = "grpc-ca-file",
     .kind = FlagKind::text,
     .help = "CA certificates for TLS to the gRPC port. Also CONSUL_GRPC_CACERT; by default -ca-file.",
     .value_name = "path"},
    {.name = "grpc-ca-path",
     .kind = FlagKind::text,
     .help = "Folder of such files. Also CONSUL_GRPC_CAPATH; by default -ca-path.",
     .value_name = "path"},
    {.name = "ignore-envoy-compatibility", .kind = FlagKind::boolean, .help = "Run any version of Envoy."},
    {.name = "mesh-gateway", .kind = FlagKind::boolean, .help = "Deprecated form of -gateway=mesh."},
    {.name = "no-central-config", .kind = FlagKind::boolean, .help = "Leave out what the proxy's Config says."},
    {.name = "node-name",
     .kind = FlagKind::text,
     .help = "Node on which the proxy is registered, if not the agent's own. Needs -proxy-id.",
     .value_name = "name"},
    {.name = "omit-deprecated-tags", .kind = FlagKind::boolean, .help = "Leave out tags of metrics as before 1.9."},
    {.name = "prometheus-backend-port",
     .kind = FlagKind::text,
     .help = "Port that envoy_prometheus_bind_addr leads to, instead of the admin server's.",
     .value_name = "port"},
    {.name = "prometheus-ca-file", .kind = FlagKind::text, .help = "CA for its clients.", .value_name = "path"},
    {.name = "prometheus-ca-path", .kind = FlagKind::text, .help = "Folder of such files.", .value_name = "path"},
    {.name = "prometheus-cert-file", .kind = FlagKind::text, .help = "Its certificate.", .value_name = "path"},
    {.name = "prometheus-key-file", .kind = FlagKind::text, .help = "The key of that.", .value_name = "path"},
    {.name = "prometheus-scrape-path", .kind = FlagKind::text, .help = "Its path.", .default_value = "/metrics"},
    {.name = "proxy-id",
     .kind = FlagKind::text,
     .help = "Service ID of the proxy. Also CONNECT_PROXY_ID.",
     .value_name = "id"},
    {.name = "sidecar-for",
     .kind = FlagKind::text,
     .help = "Sidecars are not configured yet: this is refused.",
     .value_name = "id"},
};

Error wrong(std::string text) {
  return {Errc::invalid_argument, std::move(text)};
}

class Run {
 public:
  explicit Run(const Context& context) : context_(context), flags_(context.flags) {}
  int run();

 private:
  /// The flag's, or the environment's.
  std::string choose(std::string_view flag, const char* variable) const {
    const std::string& given = flags_.text(flag);
    return given.empty() ? context_.environment(variable).value_or(std::string()) : given;
  }
  void step(std::string_view what) const {
    if (flags_.boolean("enable-config-gen-logging")) context_.ui.error("[DEBUG] " + std::string(what));
  }
  Result<> check() const;
  Result<> choose_proxy(ApiClient& client, const config::Surroundings& host, const GatewayRegistration& registration);
  Result<> find_agent(ApiClient& client, const ApiConfig& config);
  Result<std::string> agent_address(ApiClient& client) const;
  Result<base::Map<Value>> read_registration(ApiClient& client);
  Result<> read_access_logs(ApiClient& client);

  const Context& context_;
  const FlagValues& flags_;
  EnvoyBootstrap envoy_{};
};

/// An address for a name; Envoy does not resolve static ones.
Result<std::string> ip_of(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int failed = ::getaddrinfo(host.empty() ? "127.0.0.1" : host.c_str(), nullptr, &hints, &found)) {
    return wrong("lookup " + host + ": " + ::gai_strerror(failed));
  }
  std::string ip;
  for (const int family : {AF_INET, AF_INET6}) {
    for (const addrinfo* each = found; each && ip.empty(); each = each->ai_next) {
      if (each->ai_family != family) continue;
      char text[NI_MAXHOST];
      if (::getnameinfo(each->ai_addr, each->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0) ip = text;
    }
  }
  ::freeaddrinfo(found);
  if (ip.empty()) return wrong("lookup " + host + ": no address");
  return ip;
}

/// PEM of a file and of all files of a folder.
Result<std::string> authorities(const std::string& file, const std::string& folder) {
  std::string all;
  std::vector<std::string> files;
  if (!file.empty()) files.push_back(file);
  if (file.empty() && !folder.empty()) {
    std::error_code error;
    for (const auto& each : std::filesystem::recursive_directory_iterator(folder, error)) {
      if (each.is_regular_file()) files.push_back(each.path().string());
    }
    if (error) return wrong("Error loading CA Path: " + folder + ": " + error.message());
    std::ranges::sort(files);
  }
  for (const std::string& each : files) {
    Result<std::string> pem = read_file(each);
    if (!pem) return wrong("Error loading CA File: " + pem.error().detail);
    all += *pem;
  }
  return all;
}

Result<> Run::check() const {
  const std::string& gateway = flags_.text("gateway");
  if (!flags_.text("node-name").empty() && flags_.text("proxy-id").empty()) {
    return wrong("'-node-name' requires '-proxy-id'");
  }
  if (flags_.boolean("mesh-gateway") && !gateway.empty()) {
    return wrong("The mesh-gateway flag is deprecated and cannot be used alongside the gateway flag");
  }
  const bool mesh = flags_.boolean("mesh-gateway") || gateway == "mesh";
  if (flags_.boolean("expose-servers") && !mesh) return wrong("'-expose-servers' can only be used for mesh gateways");
  if (flags_.boolean("expose-servers") && !flags_.boolean("register")) {
    return wrong("'-expose-servers' requires '-register'");
  }
  if (gateway == "api" || gateway == "terminating" || gateway == "ingress") {
    return wrong("Envoy as " + gateway + " gateway is not configured yet: only -gateway=mesh is");
  }
  if (!gateway.empty() && !mesh) return wrong("Gateway must be one of: api, terminating, mesh, or ingress");
  if (!choose("sidecar-for", "CONNECT_SIDECAR_FOR").empty()) {
    return wrong("Envoy as a sidecar is not configured yet: only -gateway=mesh is");
  }
  if (choose("proxy-id", "CONNECT_PROXY_ID").empty() && !mesh) {
    return wrong("No proxy ID specified. One of -proxy-id, -sidecar-for, or -gateway is required");
  }
  const auto given = [&](const char* flag) { return !flags_.text(flag).empty(); };
  const bool authority = given("prometheus-ca-file") || given("prometheus-ca-path");
  const bool certificate = given("prometheus-cert-file"), key = given("prometheus-key-file");
  if ((authority || certificate || key) && !(authority && certificate && key)) {
    return wrong(
        "Must provide a CA (-prometheus-ca-file or -prometheus-ca-path) as well as -prometheus-cert-file and "
        "-prometheus-key-file to enable TLS for prometheus metrics");
  }
  if (flags_.boolean("register") && given("node-name")) return wrong("'-register' cannot be used with '-node-name'");
  if (flags_.boolean("register") && !mesh) return wrong("Auto-Registration can only be used for gateways");
  return {};
}

/// Whose bootstrap it is; registers it if that is wanted.
Result<> Run::choose_proxy(ApiClient& client, const config::Surroundings& host,
                           const GatewayRegistration& registration) {
  envoy_.proxy_id = choose("proxy-id", "CONNECT_PROXY_ID");
  envoy_.node_name = flags_.text("node-name");
  std::string name = registration.service;
  if (envoy_.proxy_id.empty()) {
    if (flags_.boolean("register")) {
      envoy_.proxy_id = name;
    } else {
      Result<http::AgentService> found = find_gateway(client, kKind);
      if (!found) return found.error();
      envoy_.proxy_id = found->ID;
      name = found->Service;
    }
  }
  step("Set Proxy ID: " + envoy_.proxy_id);
  envoy_.cluster = name;
  if (!flags_.boolean("register")) return {};
  GatewayRegistration registered = registration;
  registered.id = envoy_.proxy_id;
  const Result<catalog::ServiceDefinition> service = gateway_service(registered, host);
  if (!service) return service.error();
  if (Result<> done = register_gateway(client, *service); !done) return done;
  step("Proxy registration complete");
  // The standard output is the bootstrap's.
  if (!flags_.boolean("bootstrap")) context_.ui.output("Registered service: " + service->Name);
  return {};
}

Result<std::string> Run::agent_address(ApiClient& client) const {
  if (std::string given = choose("grpc-addr", "CONSUL_GRPC_ADDR"); !given.empty()) return given;
  const Result<Value> self = client.fetch<Value>(client.request("GET", "/v1/agent/self"));
  if (!self && self.error().detail.find("Permission denied") == std::string::npos) {
    return wrong("Error looking up xDS port: " + self.error().detail);
  }
  const Value* block = self ? self->find("xDS") : nullptr;
  const Value* ports = block ? block->find("Ports") : nullptr;
  const auto port = [&](const char* name) -> std::int64_t {
    const Value* found = ports ? ports->find(name) : nullptr;
    return found ? static_cast<std::int64_t>(found->number()) : 0;
  };
  if (port("TLS") > 0) return "https://localhost:" + std::to_string(port("TLS"));
  if (port("Plaintext") > 0) return "http://localhost:" + std::to_string(port("Plaintext"));
  if (self) return wrong("Error looking up xDS port: agent has grpc disabled");
  context_.ui.error(
      "-grpc-addr not provided and unable to discover a gRPC address for xDS. Defaulting to localhost:8502");
  return std::string("localhost:8502");
}

Result<> Run::find_agent(ApiClient& client, const ApiConfig& config) {
  Result<std::string> address = agent_address(client);
  if (!address) return address.error();
  std::string rest = *address;
  std::string file = choose("grpc-ca-file", "CONSUL_GRPC_CACERT");
  std::string folder = choose("grpc-ca-path", "CONSUL_GRPC_CAPATH");
  if (rest.starts_with("unix://")) {
    envoy_.agent_socket = rest.substr(7);
    envoy_.agent_tls = !file.empty() || !folder.empty();
  } else {
    for (const std::string_view scheme : {"https://", "http://"}) {
      if (!rest.starts_with(scheme)) continue;
      envoy_.agent_tls = scheme == "https://";
      rest = rest.substr(scheme.size());
      break;
    }
    Result<base::net::HostPort> parts = base::net::split_host_port(rest);
    if (!parts) return wrong("Invalid Consul HTTP address: " + parts.error().detail);
    Result<std::string> ip = ip_of(parts->host);
    if (!ip) return wrong("Failed to resolve agent address: " + ip.error().detail);
    envoy_.agent_address = std::move(*ip);
    envoy_.agent_port = parts->port;
    // A bootstrap may be made for another host.
    if (!flags_.boolean("bootstrap") && !accepts_connections(envoy_.agent_address, envoy_.agent_port, 3000)) {
      context_.ui.error("There was an error dialing the xDS address: nothing answers at " + rest);
    }
  }
  if (!envoy_.agent_tls) return {};
  if (file.empty()) file = config.ca_file;
  if (folder.empty()) folder = config.ca_path;
  Result<std::string> pem = authorities(file, folder);
  if (!pem) return pem.error();
  if (pem->empty()) {
    return wrong("xDS at " + *address +
                 " is TLS: name the CA that signed the agent's certificate with -grpc-ca-file, or "
                 "the plain port with -grpc-addr");
  }
  envoy_.agent_ca = std::move(*pem);
  return {};
}

/// What is registered of the proxy: its Config, and names for metrics.
Result<base::Map<Value>> Run::read_registration(ApiClient& client) {
  std::string kind;
  base::Map<Value> config;
  if (envoy_.node_name.empty()) {
    const auto service =
        client.fetch<http::AgentService>(client.request("GET", "/v1/agent/service/" + envoy_.proxy_id));
    if (!service) return wrong("failed fetch proxy config from local agent: " + service.error().detail);
    kind = service->Kind;
    envoy_.source_service = service->Service;
    envoy_.datacenter = service->Datacenter;
    if (service->Proxy) config = service->Proxy->Config;
  } else {
    ApiRequest request = client.request("GET", "/v1/catalog/node-services/" + envoy_.node_name);
    request.set("filter", "ID == " + base::quote(envoy_.proxy_id));
    request.set("merge-central-config", "");
    const auto found = client.fetch<catalog::NodeServiceList>(request);
    if (!found) {
      return wrong("failed to fetch proxy config from catalog for node " + base::quote(envoy_.node_name) + ": " +
                   found.error().detail);
    }
    if (found->Services.empty() || !found->Services.front()) {
      return wrong("Proxy service with ID " + base::quote(envoy_.proxy_id) + " not found");
    }
    const catalog::NodeService& service = *found->Services.front();
    kind = service.Kind;
    envoy_.source_service = service.Service;
    if (found->Node) envoy_.datacenter = found->Node->Datacenter;
    config = service.Proxy->Config;
  }
  if (kind.empty()) return wrong("service is not a Connect proxy or gateway");
  if (kind != kKind) {
    return wrong("service " + base::quote(envoy_.proxy_id) + " is of kind " + kind +
                 ": Envoy is configured as mesh-gateway only");
  }
  if (flags_.boolean("no-central-config")) config.clear();
  return config;
}

Result<> Run::read_access_logs(ApiClient& client) {
  const auto entry = client.fetch<Value>(client.request("GET", "/v1/config/proxy-defaults/global"));
  const Value* logs = entry ? entry->find("AccessLogs") : nullptr;
  if (!logs || !logs->as_map()) return {};
  catalog::AccessLogsConfig config;
  if (Result<> read = base::read_json(base::to_json(*logs), config); !read) return read;
  if (envoy_.admin_log_path != kNoLog) {
    context_.ui.error(
        "-admin-access-log-path and proxy-defaults.accessLogs both specify Envoy access log "
        "configuration. Ignoring the deprecated -admin-access-log-path flag.");
  }
  if (!config.Enabled) return {};
  Result<std::string> json = grpc::envoy_access_logs(config);
  if (!json) return wrong("failure generating Envoy access log configuration: " + json.error().detail);
  envoy_.admin_logs = std::move(*json);
  return {};
}

int Run::run() {
  const config::Surroundings host = config::Surroundings::of_this_host();
  const Result<GatewayRegistration> registration = gateway_of_flags(flags_, kKind, host);
  if (!registration) return bad_flag(context_, registration.error().detail);
  if (const Result<> checked = check(); !checked) return fail(context_, checked.error().detail);
  const Result<ApiConfig> config = client_config(context_);
  std::optional<ApiClient> client = connect(context_);
  if (!config || !client) return 1;
  step("Starting Envoy config generation");
  if (const Result<> chosen = choose_proxy(*client, host, *registration); !chosen) {
    return fail(context_, chosen.error().detail);
  }
  envoy_.token = config->token;
  envoy_.name_space = config->name_space;
  envoy_.partition = config->partition;
  if (const std::string& path = flags_.text("admin-access-log-path"); !path.empty()) envoy_.admin_log_path = path;
  if (envoy_.admin_log_path != kNoLog) {
    context_.ui.error(
        "-admin-access-log-path is deprecated and will be removed in a future version of Consul. "
        "Configure access logging with proxy-defaults.accessLogs.");
  }
  if (const Result<> found = find_agent(*client, *config); !found) return fail(context_, found.error().detail);
  const Result<base::net::HostPort> admin = base::net::split_host_port(flags_.text("admin-bind"));
  if (!admin) return fail(context_, "Invalid Consul HTTP address: " + admin.error().detail);
  Result<std::string> admin_ip = ip_of(admin->host);
  if (!admin_ip) return fail(context_, "Failed to resolve admin bind address: " + admin_ip.error().detail);
  envoy_.admin_address = std::move(*admin_ip);
  envoy_.admin_port = admin->port;
  if (envoy_.token.empty()) {
    const auto self = client->call(client->request("GET", "/v1/acl/token/self"));
    if (!self && self.error().detail.find("ACL not found") != std::string::npos) {
      context_.ui.error(
          "No ACL token was provided to Envoy. Because the ACL system is enabled, pass a suitable ACL "
          "token for this service to Envoy to avoid potential communication failure.");
    }
  }
  const Result<base::Map<Value>> proxy_config = read_registration(*client);
  if (!proxy_config) return fail(context_, proxy_config.error().detail);
  step("Fetched registration info");
  if (const Result<> logs = read_access_logs(*client); !logs) return fail(context_, logs.error().detail);
  if (!flags_.text("envoy-ready-bind-address").empty() && flags_.integer("envoy-ready-bind-port") != 0) {
    const std::string& ready = flags_.text("envoy-ready-bind-address");
    envoy_.ready_address = (ready.find(':') == std::string::npos ? ready : '[' + ready + ']') + ':' +
                           std::to_string(flags_.integer("envoy-ready-bind-port"));
  }
  envoy_.omit_deprecated_tags = flags_.boolean("omit-deprecated-tags");
  envoy_.prometheus = {.backend_port = flags_.text("prometheus-backend-port"),
                       .scrape_path = flags_.text("prometheus-scrape-path"),
                       .ca_file = flags_.text("prometheus-ca-file"),
                       .ca_path = flags_.text("prometheus-ca-path"),
                       .cert_file = flags_.text("prometheus-cert-file"),
                       .key_file = flags_.text("prometheus-key-file")};
  const Result<std::string> bootstrap = envoy_bootstrap(envoy_, *proxy_config);
  if (!bootstrap) return fail(context_, bootstrap.error().detail);
  step("Generated bootstrap config");
  if (flags_.boolean("bootstrap")) {
    context_.ui.output(*bootstrap);
    return 0;
  }
  const Result<> ran = run_envoy({.binary = flags_.text("envoy-binary"),
                                  .any_version = flags_.boolean("ignore-envoy-compatibility"),
                                  .arguments = context_.arguments,
                                  .bootstrap = *bootstrap});
  return fail(context_, ran.error().detail);  // it took our place, or failed
}

int run_connect_envoy(const Context& context) {
  return Run(context).run();
}

int run_pipe_bootstrap(const Context& context) {
  if (context.arguments.size() != 1) return fail(context, "Expecting named pipe path as argument");
  const std::string text = read_all(context.ui.in);
  if (const Result<> sent = deliver_bootstrap(context.arguments.front(), text); !sent) {
    return fail(context, sent.error().detail);
  }
  context.ui.error("Bootstrap sent, unlinking named pipe");
  return 0;
}

constexpr Command kCommands[] = {
    {.name = "connect envoy",
     .synopsis = "Run Envoy as a mesh gateway, or make its configuration",
     .usage = "connect envoy [options] [-- options of Envoy]",
     .help =
         R"(  Makes the bootstrap with which Envoy asks the agent for all else, and runs Envoy in its own place. The gateway may be
  registered before.

      $ consul connect envoy -gateway=mesh -register -address '{{ GetPrivateIP }}:8443' -wan-address 198.51.100.7:8443

  The token needs service:write on the gateway's service. Everything behind -- is passed to Envoy.)",
     .flags = {kEnvoyFlags, kGatewayRegistrationFlags, kClientFlags, kTenancyFlags},
     .run = run_connect_envoy},
    {.name = "connect envoy pipe-bootstrap",
     .synopsis = "Hand a bootstrap to Envoy by a named pipe",
     .usage = "connect envoy pipe-bootstrap PIPE",
     .help = R"(  Copies standard input into the pipe once somebody reads it, and removes it. Used by connect envoy.)",
     .run = run_pipe_bootstrap},
};

}  // namespace

std::span<const Command> connect_envoy_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
