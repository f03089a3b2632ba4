#include "agent/config/definition.h"

#include "agent/local/rules.h"
#include "base/quote.h"
#include "base/strconv.h"
#include "catalog/registry/same.h"

namespace proconsul::agent::config {
namespace {

using base::Value;
using Errors = std::vector<std::string>;

/// A mode such as "0644".
std::string read_mode(const std::string& name, const Value* value, Errors& errors) {
  if (value == nullptr) return {};
  const std::string& text = *value->as_string();
  if (base::parse_uint(text, 8, 32)) return text;
  errors.push_back(name + ": invalid mode: " + text);
  return "0";
}

void read_gateway_mode(const Value* gateway, base::Rare<catalog::MeshGatewayConfig>& out, Errors& errors) {
  const Value* mode = gateway == nullptr ? nullptr : gateway->find("mode");
  if (mode == nullptr) return;
  const std::string& text = *mode->as_string();
  if (text.empty() || text == "none" || text == "local" || text == "remote") {
    if (!text.empty()) out.edit().Mode = text;
  } else {
    errors.push_back("Invalid Mesh Gateway Mode: " + base::quote(text));
  }
}

base::Map<Value> free_map_of(const Value* value) {
  return value == nullptr ? base::Map<Value>() : *value->as_map();
}

catalog::Upstream build_upstream(const Value& values, Errors& errors) {
  const auto at = [&](const char* key) { return values.find(key); };
  catalog::Upstream upstream;
  upstream.DestinationType = text_or(at("destination_type"));
  if (upstream.DestinationType.empty()) upstream.DestinationType = "service";
  upstream.DestinationNamespace = text_or(at("destination_namespace"));
  upstream.DestinationPartition = text_or(at("destination_partition"));
  upstream.DestinationPeer = text_or(at("destination_peer"));
  upstream.DestinationName = text_or(at("destination_name"));
  upstream.Datacenter = text_or(at("datacenter"));
  upstream.LocalBindAddress = text_or(at("local_bind_address"));
  upstream.LocalBindPort = integer_or(at("local_bind_port"));
  upstream.LocalBindSocketPath = text_or(at("local_bind_socket_path"));
  upstream.LocalBindSocketMode = read_mode("local_bind_socket_mode", at("local_bind_socket_mode"), errors);
  upstream.Config = free_map_of(at("config"));
  read_gateway_mode(at("mesh_gateway"), upstream.MeshGateway, errors);
  return upstream;
}

catalog::ConnectProxyConfig build_proxy(const Value& values, Errors& errors) {
  const auto at = [&](const char* key) { return values.find(key); };
  catalog::ConnectProxyConfig proxy;
  proxy.DestinationServiceName = text_or(at("destination_service_name"));
  proxy.DestinationServiceID = text_or(at("destination_service_id"));
  proxy.LocalServiceAddress = text_or(at("local_service_address"));
  proxy.LocalServicePort = integer_or(at("local_service_port"));
  proxy.LocalServiceSocketPath = text_or(at("local_service_socket_path"));
  proxy.Config = free_map_of(at("config"));
  proxy.Upstreams.make_present();
  if (const Value* upstreams = at("upstreams")) {
    for (const Value& upstream : *upstreams->as_list()) proxy.Upstreams.push_back(build_upstream(upstream, errors));
  }
  read_gateway_mode(at("mesh_gateway"), proxy.MeshGateway, errors);
  if (const Value* expose = at("expose")) {
    catalog::ExposeConfig& out = proxy.Expose.edit();
    out.Checks = boolean_or(expose->find("checks"));
    out.Paths.make_present();
    if (const Value* paths = expose->find("paths")) {
      for (const Value& path : *paths->as_list()) {
        catalog::ExposePath& item = out.Paths.emplace_back();
        item.ListenerPort = integer_or(path.find("listener_port"));
        item.Path = text_or(path.find("path"));
        item.LocalPathPort = integer_or(path.find("local_path_port"));
        item.Protocol = text_or(path.find("protocol"));
      }
    }
  }
  const std::string mode = text_or(at("mode"));
  if (mode.empty() || mode == "transparent" || mode == "direct") {
    proxy.Mode = mode;
  } else {
    errors.push_back("Invalid Proxy Mode: " + base::quote(mode));
  }
  if (const Value* transparent = at("transparent_proxy")) {
    proxy.TransparentProxy.edit().OutboundListenerPort = integer_or(transparent->find("outbound_listener_port"));
    proxy.TransparentProxy.edit().DialedDirectly = boolean_or(transparent->find("dialed_directly"));
  }
  return proxy;
}

catalog::ServiceConnect build_connect(const Value& values, Errors& errors) {
  catalog::ServiceConnect connect;
  connect.Native = boolean_or(values.find("native"));
  if (const Value* block = values.find("sidecar_service")) {
    catalog::ServiceDefinition sidecar = build_service(*block, errors);
    if (!sidecar.ID.empty()) {
      errors.push_back("sidecar_service can't specify an ID");
      sidecar.ID.clear();
    }
    if (sidecar.Connect && sidecar.Connect->SidecarService) {
      errors.push_back("sidecar_service can't have a nested sidecar_service");
      sidecar.Connect->SidecarService.reset();
    }
    connect.SidecarService = std::move(sidecar);
  }
  return connect;
}

std::string known_kind(const std::string& kind) {
  for (std::string_view known :
       {catalog::kKindConnectProxy, catalog::kKindMeshGateway, catalog::kKindTerminatingGateway,
        catalog::kKindIngressGateway, catalog::kKindApiGateway}) {
    if (kind == known) return kind;
  }
  return {};
}

}  // namespace

base::Duration read_duration(const std::string& name, const Value* text, Errors& errors) {
  if (text == nullptr || text->as_string() == nullptr) return {};
  base::Result<base::Duration> duration = base::parse_duration(*text->as_string());
  if (duration) return *duration;
  errors.push_back(name + ": invalid duration: " + base::quote(*text->as_string()) + ": " + duration.error().detail);
  return {};
}

std::string text_or(const Value* value, std::string fallback) {
  return value != nullptr && value->as_string() != nullptr ? *value->as_string() : std::move(fallback);
}
bool boolean_or(const Value* value, bool fallback) {
  return value != nullptr && value->as_bool() != nullptr ? *value->as_bool() : fallback;
}
std::int64_t integer_or(const Value* value, std::int64_t fallback) {
  return value != nullptr && value->as_int() != nullptr ? *value->as_int() : fallback;
}
double number_or(const Value* value, double fallback) {
  return value != nullptr && value->is_number() ? value->number() : fallback;
}
base::List<std::string> texts_of(const Value* value) {
  base::List<std::string> out;
  if (value == nullptr || value->as_list() == nullptr) return out;
  out.make_present();
  for (const Value& item : *value->as_list()) out.push_back(text_or(&item));
  return out;
}
base::Map<std::string> text_map_of(const Value* value) {
  base::Map<std::string> out;
  if (value == nullptr || value->as_map() == nullptr) return out;
  out.make_present();
  for (const auto& [key, item] : *value->as_map()) out[key] = text_or(&item);
  return out;
}

catalog::CheckDefinition build_check(const Value& values, Errors& errors) {
  const auto at = [&](const char* key) { return values.find(key); };
  catalog::CheckDefinition check;
  check.ID = text_or(at("id"));
  const auto duration = [&](const char* key) {
    return read_duration("check[" + check.ID + "]." + key, at(key), errors);
  };
  check.Name = text_or(at("name"));
  check.Notes = text_or(at("notes"));
  check.ServiceID = text_or(at("service_id"));
  check.Token = text_or(at("token"));
  check.Status = text_or(at("status"));
  check.ScriptArgs = texts_of(at("args"));
  check.HTTP = text_or(at("http"));
  if (const Value* header = at("header")) {
    check.Header.make_present();
    for (const auto& [name, items] : *header->as_map()) check.Header[name] = texts_of(&items);
  }
  check.Method = text_or(at("method"));
  check.Body = text_or(at("body"));
  check.DisableRedirects = boolean_or(at("disable_redirects"));
  check.TCP = text_or(at("tcp"));
  check.TCPUseTLS = boolean_or(at("tcp_use_tls"));
  check.UDP = text_or(at("udp"));
  check.Interval = duration("interval");
  check.DockerContainerID = text_or(at("docker_container_id"));
  check.Shell = text_or(at("shell"));
  check.GRPC = text_or(at("grpc"));
  check.GRPCUseTLS = boolean_or(at("grpc_use_tls"));
  check.TLSServerName = text_or(at("tls_server_name"));
  check.TLSSkipVerify = boolean_or(at("tls_skip_verify"));
  check.AliasNode = text_or(at("alias_node"));
  check.AliasService = text_or(at("alias_service"));
  check.Timeout = duration("timeout");
  check.TTL = duration("ttl");
  check.SuccessBeforePassing = integer_or(at("success_before_passing"));
  check.FailuresBeforeCritical = integer_or(at("failures_before_critical"));
  check.FailuresBeforeWarning = integer_or(at("failures_before_warning"), check.FailuresBeforeCritical);
  check.H2PING = text_or(at("h2ping"));
  check.H2PingUseTLS = boolean_or(at("h2ping_use_tls"), !check.H2PING.empty());
  check.OSService = text_or(at("os_service"));
  check.DeregisterCriticalServiceAfter = duration("deregister_critical_service_after");
  check.OutputMaxSize = integer_or(at("output_max_size"), 4096);
  return check;
}

catalog::ServiceDefinition build_service(const Value& values, Errors& errors) {
  const auto at = [&](const char* key) { return values.find(key); };
  catalog::ServiceDefinition service;
  if (const Value* checks = at("checks")) {
    for (const Value& check : *checks->as_list()) {
      service.Checks.push_back(local::to_check_type(build_check(check, errors)));
    }
  }
  if (const Value* check = at("check")) service.Checks.push_back(local::to_check_type(build_check(*check, errors)));
  service.Kind = known_kind(text_or(at("kind")));
  service.ID = text_or(at("id"));
  service.Name = text_or(at("name"));
  service.Tags = texts_of(at("tags"));
  service.Address = text_or(at("address"));
  if (const Value* addresses = at("tagged_addresses"); addresses != nullptr && !addresses->as_map()->empty()) {
    service.TaggedAddresses.make_present();
    for (const auto& [name, address] : *addresses->as_map()) {
      catalog::ServiceAddress& out = service.TaggedAddresses[name];
      out.Address = text_or(address.find("address"));
      out.Port = integer_or(address.find("port"));
    }
  }
  service.Meta = text_map_of(at("meta"));
  if (base::Result<> valid = catalog::validate_service_meta(service.Kind, service.Meta); !valid) {
    errors.push_back("invalid meta for service " + service.Name + ": " + valid.error().detail);
    service.Meta.clear();
    service.Meta.make_present();
  }
  service.Port = integer_or(at("port"));
  service.SocketPath = text_or(at("socket_path"));
  service.Token = text_or(at("token"));
  service.EnableTagOverride = boolean_or(at("enable_tag_override"));
  catalog::Weights weights{.Passing = 1, .Warning = 1};
  if (const Value* block = at("weights")) {
    weights.Passing = integer_or(block->find("passing"), 1);
    weights.Warning = integer_or(block->find("warning"), 1);
  }
  if (base::Result<> valid = catalog::validate_weights(weights); !valid) {
    errors.push_back("Invalid weight definition for service " + service.Name + ": " + valid.error().detail);
  }
  service.Weights = weights;
  if ((at("port") != nullptr || at("address") != nullptr) && at("socket_path") != nullptr) {
    errors.push_back("service " + service.Name + " cannot have both socket path " + service.SocketPath +
                     " and address/port");
  }
  if (const Value* proxy = at("proxy")) service.Proxy = build_proxy(*proxy, errors);
  if (const Value* connect = at("connect")) service.Connect = build_connect(*connect, errors);
  if (const Value* locality = at("locality")) {
    catalog::Locality& out = service.Locality.emplace();
    out.Region = text_or(locality->find("region"));
    out.Zone = text_or(locality->find("zone"));
  }
  return service;
}

}  // namespace proconsul::agent::config
