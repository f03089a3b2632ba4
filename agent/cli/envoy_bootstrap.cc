#include "agent/cli/envoy_bootstrap.h"

#include <cstdlib>
#include <optional>
#include <utility>

#include "base/json.h"
#include "base/net/connection.h"
#include "base/quote.h"
#include "base/strconv.h"
#include "base/weak_decode.h"

namespace proconsul::agent::cli {

using base::Errc;
using base::Error;
using base::Result;
using base::Value;

namespace {

/// The keys of Proxy.Config that count here; the rest of it is the agent's.
struct BootstrapConfig {
  std::string statsd_url{}, dogstatsd_url{};
  base::List<std::string> stats_tags{};
  std::string prometheus_bind_addr{}, stats_bind_addr{};
  std::string clusters_json{}, listeners_json{}, sinks_json{}, stats_config_json{}, tracing_json{};
  std::string stats_flush_interval{};
  std::string bootstrap_tpl{}, telemetry_collector{};
};
PROCONSUL_DECLARE_TYPE(BootstrapConfig)

PROCONSUL_DESCRIBE_TYPE(BootstrapConfig, "envoy.BootstrapConfig") {
  type.field("envoy_statsd_url", &BootstrapConfig::statsd_url);
  type.field("envoy_dogstatsd_url", &BootstrapConfig::dogstatsd_url);
  type.field("envoy_stats_tags", &BootstrapConfig::stats_tags);
  type.field("envoy_prometheus_bind_addr", &BootstrapConfig::prometheus_bind_addr);
  type.field("envoy_stats_bind_addr", &BootstrapConfig::stats_bind_addr);
  type.field("envoy_extra_static_clusters_json", &BootstrapConfig::clusters_json);
  type.field("envoy_extra_static_listeners_json", &BootstrapConfig::listeners_json);
  type.field("envoy_extra_stats_sinks_json", &BootstrapConfig::sinks_json);
  type.field("envoy_stats_config_json", &BootstrapConfig::stats_config_json);
  type.field("envoy_tracing_json", &BootstrapConfig::tracing_json);
  type.field("envoy_stats_flush_interval", &BootstrapConfig::stats_flush_interval);
  type.field("envoy_bootstrap_json_tpl", &BootstrapConfig::bootstrap_tpl);
  type.field("envoy_telemetry_collector_bind_socket_dir", &BootstrapConfig::telemetry_collector);
}

constexpr const char* kAgent = "local_agent";
constexpr const char* kAdmin = "self_admin";

std::string text(std::string_view value) {
  return base::to_json(Value(value));
}

/// Of our own making.
Value parsed(const std::string& json) {
  return base::from_json<Value>(json).value_or(Value());
}

/// "{...},{...}" as a configuration has it.
Result<> add_items(Value::ListType& to, const std::string& items, const char* key) {
  Result<Value> read = base::from_json<Value>('[' + items + ']');
  if (!read) return {Errc::invalid_argument, std::string(key) + ": " + read.error().detail};
  for (Value& each : *read->as_list()) to.push_back(std::move(each));
  return {};
}

/// As JSON has the number: not "08500", nor "http".
std::optional<std::string> port_number(std::string_view text) {
  constexpr std::int64_t kMostPort = 65535;
  const Result<std::int64_t> number = base::parse_atoi(text);
  if (!number || *number < 0 || *number > kMostPort) return std::nullopt;
  return std::to_string(*number);
}

std::string socket_address(std::string_view address, std::string_view port) {
  return R"({"socket_address":{"address":)" + text(address) + R"(,"port_value":)" + std::string(port) + "}}";
}

std::string cluster_at(std::string_view name, const std::string& address, const char* timeout, const char* protocol) {
  return R"({"name":)" + text(name) + R"(,"ignore_health_on_host_removal":false,"connect_timeout":")" + timeout +
         R"(","type":"STATIC","typed_extension_protocol_options":{)"
         R"("envoy.extensions.upstreams.http.v3.HttpProtocolOptions":{"@type":)"
         R"("type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",)"
         R"("explicit_http_config":{")" +
         protocol + R"(":{}}}},"loadAssignment":{"clusterName":)" + text(name) +
         R"(,"endpoints":[{"lbEndpoints":[{"endpoint":{"address":)" + address + "}}]}]}}";
}

class Bootstrap {
 public:
  Bootstrap(const EnvoyBootstrap& envoy, BootstrapConfig config) : envoy_(envoy), config_(std::move(config)) {}
  Result<std::string> make();

 private:
  Value base_of() const;
  Result<> add_sink(const char* name, const char* type, std::string url);
  Result<> add_listener(const std::string& at, const std::string& name, const char* match, const std::string& path,
                        const char* to, const std::string& backend_port);

  const EnvoyBootstrap& envoy_;
  const BootstrapConfig config_;
  Value::ListType clusters_{}, listeners_{}, sinks_{};
};

Value Bootstrap::base_of() const {
  const auto or_default = [](const std::string& name) { return text(name.empty() ? "default" : name); };
  const std::string log =
      envoy_.admin_logs.empty()
          ? R"({"name":"envoy.access_loggers.file","typed_config":{"@type":)"
            R"("type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog","path":)" +
                text(envoy_.admin_log_path) + "}}"
          : envoy_.admin_logs;
  return parsed(
      R"({"admin":{"access_log":[)" + log + R"(],"address":)" +
      socket_address(envoy_.admin_address, envoy_.admin_port) + R"(},"node":{"cluster":)" + text(envoy_.cluster) +
      R"(,"id":)" + text(envoy_.proxy_id) + R"(,"metadata":{)" +
      (envoy_.node_name.empty() ? "" : R"("node_name":)" + text(envoy_.node_name) + ',') + R"("namespace":)" +
      or_default(envoy_.name_space) + R"(,"partition":)" + or_default(envoy_.partition) +
      R"(}},"layered_runtime":{"layers":[{"name":"base","static_layer":{"re2.max_program_size.error_level":1048576}}]},)"
      R"("dynamic_resources":{)"
      R"("lds_config":{"ads":{},"initial_fetch_timeout":"0s","resource_api_version":"V3"},)"
      R"("cds_config":{"ads":{},"initial_fetch_timeout":"0s","resource_api_version":"V3"},)"
      R"("ads_config":{"api_type":"DELTA_GRPC","transport_api_version":"V3","grpc_services":{)"
      R"("initial_metadata":[{"key":"x-consul-token","value":)" +
      text(envoy_.token) + R"(}],"envoy_grpc":{"cluster_name":)" + text(kAgent) + R"(}}}}})");
}

Result<> Bootstrap::add_sink(const char* name, const char* type, std::string url) {
  if (url.size() > 2 && url.front() == '$' && url[1] != '{') {
    const char* const value = std::getenv(url.c_str() + 1);
    url = value ? value : "";
  } else if (const std::size_t at = url.find("${HOST_IP}"); at != std::string::npos) {
    const char* const value = std::getenv("HOST_IP");
    url.replace(at, 10, value ? value : "");
  }
  std::string address;
  if (url.starts_with("unix://")) {
    address = R"({"pipe":{"path":)" + text(url.substr(7)) + "}}";
  } else if (url.starts_with("udp://")) {
    const Result<base::net::HostPort> parts = base::net::split_host_port(url.substr(6));
    const std::optional<std::string> port = parts ? port_number(parts->port) : std::nullopt;
    if (!port) {
      return {Errc::invalid_argument, "failed to parse " + std::string(name) + " sink address " + base::quote(url)};
    }
    address = socket_address(parts->host, *port);
  } else {
    return {Errc::invalid_argument,
            "unsupported address protocol " + base::quote(url.substr(0, url.find(':'))) + " for " + name + " sink"};
  }
  sinks_.push_back(parsed(R"({"name":)" + text(name) + R"(,"typedConfig":{"@type":)" +
                          text(std::string("type.googleapis.com/envoy.config.metrics.v3.") + type) + R"(,"address":)" +
                          address + "}}"));
  return {};
}

/// Lets one path of the admin server out.
Result<> Bootstrap::add_listener(const std::string& at, const std::string& name, const char* match,
                                 const std::string& path, const char* to, const std::string& backend_port) {
  const Result<base::net::HostPort> parts = base::net::split_host_port(at);
  const std::optional<std::string> port = parts ? port_number(parts->port) : std::nullopt;
  if (!port) {
    return {Errc::invalid_argument,
            "invalid " + name + " bind address: " + (parts ? "no port in " + base::quote(at) : parts.error().detail)};
  }
  const std::string cluster = backend_port.empty() ? kAdmin : "prometheus_backend";
  bool known = false;
  for (const Value& each : clusters_) {
    const Value* found = each.find("name");
    known = known || (found && found->as_string() && *found->as_string() == cluster);
  }
  if (!known) {
    clusters_.push_back(parsed(cluster_at(
        cluster, socket_address(envoy_.admin_address, backend_port.empty() ? envoy_.admin_port : backend_port), "5s",
        "http_protocol_options")));
  }
  const std::string tls =
      envoy_.prometheus.cert_file.empty() || name != "envoy_prometheus_metrics"
          ? ""
          : R"(,"transportSocket":{"name":"tls","typedConfig":{"@type":)"
            R"("type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",)"
            R"("commonTlsContext":{"tlsCertificateSdsSecretConfigs":[{"name":"prometheus_cert"}],)"
            R"("validationContextSdsSecretConfig":{"name":"prometheus_validation_context"}}}})";
  listeners_.push_back(parsed(
      R"({"name":)" + text(name + "_listener") + R"(,"address":)" + socket_address(parts->host, *port) +
      R"(,"filter_chains":[{"filters":[{"name":"envoy.filters.network.http_connection_manager","typedConfig":{"@type":)"
      R"("type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",)"
      R"("stat_prefix":)" +
      text(name) +
      R"(,"codec_type":"HTTP1","route_config":{"name":"self_admin_route","virtual_hosts":[{"name":"self_admin",)"
      R"("domains":["*"],"routes":[{"match":{)" +
      text(match) + ':' + text(path) + R"(},"route":{"cluster":)" + text(cluster) + R"(,"prefix_rewrite":)" + text(to) +
      R"(}},{"match":{"prefix":"/"},"direct_response":{"status":404}}]}]},)"
      R"("http_filters":[{"name":"envoy.filters.http.router","typedConfig":{"@type":)"
      R"("type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}]}}])" +
      tls + "}]}"));
  return {};
}

Result<std::string> Bootstrap::make() {
  if (!config_.bootstrap_tpl.empty() || !config_.telemetry_collector.empty()) {
    return {Errc::invalid_argument,
            std::string(config_.bootstrap_tpl.empty() ? "envoy_telemetry_collector_bind_socket_dir"
                                                      : "envoy_bootstrap_json_tpl") +
                " is not supported: remove it from the proxy's Config, or pass "
                "-no-central-config"};
  }
  Value out = base_of();
  Value::MapType& root = *out.as_map();
  const std::string at = envoy_.agent_socket.empty() ? socket_address(envoy_.agent_address, envoy_.agent_port)
                                                     : R"({"pipe":{"path":)" + text(envoy_.agent_socket) + "}}";
  Value agent = parsed(cluster_at(kAgent, at, "1s", "http2_protocol_options"));
  if (envoy_.agent_tls) {
    (*agent.as_map())["transport_socket"] =
        parsed(R"({"name":"tls","typed_config":{"@type":)"
               R"("type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",)"
               R"("common_tls_context":{"validation_context":{"trusted_ca":{"inline_string":)" +
               text(envoy_.agent_ca) + "}}}}}");
  }
  clusters_.push_back(std::move(agent));
  const std::pair<const std::string*, std::pair<Value::ListType*, const char*>> extras[] = {
      {&config_.clusters_json, {&clusters_, "envoy_extra_static_clusters_json"}},
      {&config_.listeners_json, {&listeners_, "envoy_extra_static_listeners_json"}}};
  for (const auto& [items, to] : extras) {
    if (Result<> added = add_items(*to.first, *items, to.second); !added) return added.error();
  }
  const std::pair<const std::string*, std::pair<const char*, const char*>> urls[] = {
      {&config_.statsd_url, {"envoy.stat_sinks.statsd", "StatsdSink"}},
      {&config_.dogstatsd_url, {"envoy.stat_sinks.dog_statsd", "DogStatsdSink"}}};
  for (const auto& [url, sink] : urls) {
    if (url->empty()) continue;
    if (Result<> added = add_sink(sink.first, sink.second, *url); !added) return added.error();
  }
  if (Result<> added = add_items(sinks_, config_.sinks_json, "envoy_extra_stats_sinks_json"); !added) {
    return added.error();
  }
  const EnvoyBootstrap::Prometheus& prometheus = envoy_.prometheus;
  Result<> listens{};
  if (!config_.prometheus_bind_addr.empty()) {
    listens = add_listener(config_.prometheus_bind_addr, "envoy_prometheus_metrics", "path", prometheus.scrape_path,
                           "/stats/prometheus", prometheus.backend_port);
  }
  if (listens && !config_.stats_bind_addr.empty()) {
    listens = add_listener(config_.stats_bind_addr, "envoy_metrics", "prefix", "/stats", "/stats", {});
  }
  if (listens && !envoy_.ready_address.empty()) {
    listens = add_listener(envoy_.ready_address, "envoy_ready", "path", "/ready", "/ready", {});
  }
  if (!listens) return listens.error();

  Value::MapType& resources = root["static_resources"].make_map();
  resources["clusters"] = std::move(clusters_);
  if (!listeners_.empty()) resources["listeners"] = std::move(listeners_);
  if (!prometheus.cert_file.empty() && !config_.prometheus_bind_addr.empty()) {
    const std::string trusted = prometheus.ca_path.empty()
                                    ? R"("trustedCa":{"filename":)" + text(prometheus.ca_file) + '}'
                                    : R"("watchedDirectory":{"path":)" + text(prometheus.ca_path) + '}';
    resources["secrets"] =
        parsed(R"([{"name":"prometheus_cert","tlsCertificate":{"certificateChain":{"filename":)" +
               text(prometheus.cert_file) + R"(},"privateKey":{"filename":)" + text(prometheus.key_file) +
               R"(}}},{"name":"prometheus_validation_context","validationContext":{)" + trusted + "}}]");
  }
  if (!sinks_.empty()) root["stats_sinks"] = std::move(sinks_);
  root["stats_config"] = envoy_stats_config(envoy_, config_.stats_tags);
  const std::pair<const std::string*, std::pair<const char*, const char*>> blocks[] = {
      {&config_.stats_config_json, {"stats_config", "envoy_stats_config_json"}},
      {&config_.tracing_json, {"tracing", "envoy_tracing_json"}}};
  for (const auto& [json, names] : blocks) {
    if (json->empty()) continue;
    Result<Value> read = base::from_json<Value>(*json);
    if (!read) return {Errc::invalid_argument, std::string(names.second) + ": " + read.error().detail};
    root[names.first] = std::move(*read);
  }
  if (!config_.stats_flush_interval.empty()) root["stats_flush_interval"] = config_.stats_flush_interval;
  std::string json;
  base::append_indented_json(json, base::to_json(out));
  return json;
}

}  // namespace

Result<std::string> envoy_bootstrap(const EnvoyBootstrap& envoy, const base::Map<Value>& config) {
  BootstrapConfig keys;
  if (const auto unused = base::decode_weakly(config, base::type_of<BootstrapConfig>(), &keys); !unused) {
    return Error{Errc::invalid_argument, "failed parsing Proxy.Config: " + unused.error().detail};
  }
  EnvoyBootstrap checked = envoy;
  const std::pair<const char*, std::string*> ports[] = {
      {"of the agent's gRPC address", envoy.agent_socket.empty() ? &checked.agent_port : nullptr},
      {"of -admin-bind", &checked.admin_port},
      {"in -prometheus-backend-port",
       envoy.prometheus.backend_port.empty() ? nullptr : &checked.prometheus.backend_port}};
  for (const auto& [where, port] : ports) {
    if (port == nullptr) continue;
    std::optional<std::string> number = port_number(*port);
    if (!number) {
      return Error{Errc::invalid_argument,
                   "invalid port " + base::quote(*port) + ' ' + where + ": it must be a number up to 65535"};
    }
    *port = std::move(*number);
  }
  return Bootstrap(checked, std::move(keys)).make();
}

}  // namespace proconsul::agent::cli
