#include "catalog/config_entry/resolve.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/weak_decode.h"
#include "catalog/config_entry/entries.h"
#include "catalog/config_entry/kinds.h"
#include "catalog/store/key.h"
#include "catalog/store/store.h"
#include "catalog/types/config_services.h"

namespace proconsul::catalog {

using base::Error;
using base::Result;
using base::Value;
using FreeConfig = base::Map<Value>;

namespace {

constexpr std::string_view kTransparent = "transparent";
constexpr std::string_view kMeshGatewayKey = "mesh_gateway";
constexpr std::string_view kProtocolKey = "protocol";

bool is_sidecar(const NodeService& service) {
  return service.Kind == kKindConnectProxy &&
         (!service.Proxy->DestinationServiceID.empty() || !service.Proxy->DestinationServiceName.empty());
}

bool is_of_service(const Upstream& upstream) {
  return upstream.DestinationType.empty() || upstream.DestinationType == "service";
}
PeeredServiceName destination_of(const Upstream& upstream) {
  return {.ServiceName = {.Name = upstream.DestinationName}, .Peer = upstream.DestinationPeer};
}

Value as_value(const MeshGatewayConfig& gateway) {
  Value value;
  value.make_map().emplace("Mode", gateway.Mode);
  return value;
}

template <class T>
void add_set(Value::MapType& map, const char* key, const base::Pointer<T>& value) {
  if (value) map.emplace(key, Value(*value));
}
Value as_value(const UpstreamLimits& limits) {
  Value value;
  Value::MapType& map = value.make_map();
  add_set(map, "MaxConnections", limits.MaxConnections);
  add_set(map, "MaxPendingRequests", limits.MaxPendingRequests);
  add_set(map, "MaxConcurrentRequests", limits.MaxConcurrentRequests);
  return value;
}
Value as_value(const PassiveHealthCheck& check) {
  Value value;
  Value::MapType& map = value.make_map();
  if (check.Interval.nanoseconds != 0) map.emplace("Interval", Value(check.Interval.nanoseconds));
  if (check.MaxFailures != 0) map.emplace("MaxFailures", Value(check.MaxFailures));
  add_set(map, "EnforcingConsecutive5xx", check.EnforcingConsecutive5xx);
  add_set(map, "MaxEjectionPercent", check.MaxEjectionPercent);
  if (check.BaseEjectionTime) map.emplace("BaseEjectionTime", Value(check.BaseEjectionTime->nanoseconds));
  return value;
}

/// What is set of an upstream's configuration, over what was there.
void overlay(FreeConfig& config, const UpstreamConfig& from) {
  const auto set = [&](std::string_view key, Value value) {
    config.insert_or_assign(std::string(key), std::move(value));
  };
  if (!from.EnvoyListenerJSON.empty()) set("envoy_listener_json", from.EnvoyListenerJSON);
  if (!from.EnvoyClusterJSON.empty()) set("envoy_cluster_json", from.EnvoyClusterJSON);
  if (!from.Protocol.empty()) set(kProtocolKey, from.Protocol);
  if (from.ConnectTimeoutMs != 0) set("connect_timeout_ms", Value(from.ConnectTimeoutMs));
  if (!from.MeshGateway.Mode.empty()) set(kMeshGatewayKey, as_value(from.MeshGateway));
  if (from.Limits) set("limits", as_value(*from.Limits));
  if (from.PassiveHealthCheck) set("passive_health_check", as_value(*from.PassiveHealthCheck));
  if (!from.BalanceOutboundConnections.empty()) set("balance_outbound_connections", from.BalanceOutboundConnections);
}

/// The free configuration of a proxy as that of its upstreams.
Result<UpstreamConfig> as_upstream(const FreeConfig& config) {
  UpstreamConfig read;
  if (const auto unused = base::decode_weakly(config, base::type_of<UpstreamConfig>(), &read); !unused) {
    return unused.error();
  }
  read.Protocol = lower_case(read.Protocol);
  return read;
}

bool is_empty(const Value& value) {
  if (const std::string* text = value.as_string()) return text->empty();
  if (const bool* truth = value.as_bool()) return !*truth;
  if (const base::Bytes* bytes = value.as_bytes()) return bytes->empty();
  if (const Value::ListType* list = value.as_list()) return list->empty();
  if (const Value::MapType* map = value.as_map()) return map->empty();
  return !value.is_number() || value.number() == 0;
}

/// Fills in what is not there or empty, within maps too. Bounded by the depth of what was stored.
void fill(FreeConfig& config, const FreeConfig& from) {
  if (!from.is_nil()) config.make_present();
  for (const auto& [key, value] : from) {
    if (value.is_nil()) continue;
    Value& own = config[key];
    if (own.as_map() && value.as_map()) {
      fill(*own.as_map(), *value.as_map());
    } else if (is_empty(own)) {
      own = value;
    }
  }
}

// The same of structs, which stay unset where there is nothing to fill in.
void fill(base::Rare<MeshGatewayConfig>& gateway, const MeshGatewayConfig& from) {
  if (gateway->Mode.empty() && !from.Mode.empty()) gateway.edit().Mode = from.Mode;
}
void fill(base::Rare<TransparentProxyConfig>& proxy, const TransparentProxyConfig& from) {
  if (proxy->OutboundListenerPort == 0 && from.OutboundListenerPort != 0) {
    proxy.edit().OutboundListenerPort = from.OutboundListenerPort;
  }
  if (from.DialedDirectly) proxy.edit().DialedDirectly = true;
}
void fill(base::Rare<ExposeConfig>& expose, const ExposeConfig& from) {
  if (from.Checks) expose.edit().Checks = true;
  if (expose->Paths.empty() && !from.Paths.empty()) expose.edit().Paths = from.Paths;
}
void fill(base::Rare<AccessLogsConfig>& logs, const AccessLogsConfig& from) {
  for (const auto flag : {&AccessLogsConfig::Enabled, &AccessLogsConfig::DisableListenerLogs}) {
    if (from.*flag) logs.edit().*flag = true;
  }
  for (const auto text : {&AccessLogsConfig::Type, &AccessLogsConfig::Path, &AccessLogsConfig::JSONFormat,
                          &AccessLogsConfig::TextFormat}) {
    if (((*logs).*text).empty() && !(from.*text).empty()) logs.edit().*text = from.*text;
  }
}

/// The entries of one question; each is looked up once.
class Sources {
 public:
  Sources(const Tables& tables, base::KeySet* watch) : tables_(tables), watch_(watch) {}

  const ProxyConfigEntry* proxies() { return entry_as<ProxyConfigEntry>(find(kind::kProxyDefaults, "global")); }
  const ServiceConfigEntry* service(const std::string& name) {
    return entry_as<ServiceConfigEntry>(find(kind::kServiceDefaults, name));
  }
  std::uint64_t content() const {
    std::uint64_t hash = 14695981039346656037u;
    for (const auto& [key, entry] : found_) {
      if (!entry) continue;
      for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
      hash = (hash ^ entry->Hash) * 1099511628211u;
    }
    return hash;
  }

 private:
  const ConfigEntry* find(std::string_view kind, std::string_view name) {
    const auto [at, is_new] = found_.emplace(index_key({kind, name}), nullptr);
    if (is_new) {
      watch_key(watch_, Topic::config_entry, at->first);
      at->second = find_config_entry(tables_, kind, name);
    }
    return at->second;
  }

  const Tables& tables_;
  base::KeySet* watch_;
  std::map<std::string, const ConfigEntry*> found_{};
};

void take(ServiceConfig& config, const ProxyConfigEntry& proxies) {
  config.ProxyConfig = proxies.Config;
  config.Mode = proxies.Mode;
  config.TransparentProxy = proxies.TransparentProxy;
  config.MutualTLSMode = proxies.MutualTLSMode;
  config.MeshGateway = proxies.MeshGateway;
  config.Expose = proxies.Expose;
  config.EnvoyExtensions = proxies.EnvoyExtensions;
  config.AccessLogs = proxies.AccessLogs;
}

void take(ServiceConfig& config, const ServiceConfigEntry& service) {
  if (service.Expose.Checks) config.Expose.Checks = true;
  if (!service.Expose.Paths.empty()) config.Expose.Paths = service.Expose.Paths;
  if (!service.MeshGateway.Mode.empty()) config.MeshGateway.Mode = service.MeshGateway.Mode;
  if (service.TransparentProxy.OutboundListenerPort != 0) {
    config.TransparentProxy.OutboundListenerPort = service.TransparentProxy.OutboundListenerPort;
  }
  if (service.TransparentProxy.DialedDirectly) config.TransparentProxy.DialedDirectly = true;
  if (!service.Mode.empty()) config.Mode = service.Mode;
  if (service.Destination) config.Destination = *service.Destination;
  if (service.RateLimits) config.RateLimits = *service.RateLimits;
  const auto set = [&](std::string_view key, Value value) {
    config.ProxyConfig.insert_or_assign(std::string(key), std::move(value));
  };
  if (!service.Protocol.empty()) set(kProtocolKey, service.Protocol);
  if (!service.BalanceInboundConnections.empty()) set("balance_inbound_connections", service.BalanceInboundConnections);
  if (service.MaxInboundConnections > 0) set("max_inbound_connections", Value(service.MaxInboundConnections));
  if (service.LocalConnectTimeoutMs > 0) set("local_connect_timeout_ms", Value(service.LocalConnectTimeoutMs));
  if (service.LocalRequestTimeoutMs > 0) set("local_request_timeout_ms", Value(service.LocalRequestTimeoutMs));
  if (!service.MutualTLSMode.empty()) config.MutualTLSMode = service.MutualTLSMode;
  config.Meta = service.Meta;
  // Those of all proxies come first.
  for (const EnvoyExtension& extension : service.EnvoyExtensions) config.EnvoyExtensions.push_back(extension);
}

/// What the upstreams of a service are to be, by name.
class UpstreamConfigs {
 public:
  UpstreamConfigs(const ServiceConfigQuestion& question, const ServiceConfig& config, const ServiceConfigEntry* service)
      : question_(question), config_(config), service_(service) {}

  /// For those that have nothing of their own.
  FreeConfig defaults{};

  std::map<PeeredServiceName, FreeConfig> resolve(Sources& sources, const std::string& protocol) {
    std::map<PeeredServiceName, FreeConfig> all;
    const PeeredServiceName everybody{.ServiceName = {.Name = "*"}, .Peer = {}};
    std::set<PeeredServiceName> names(question_.upstreams.begin(), question_.upstreams.end());
    std::map<PeeredServiceName, const UpstreamConfig*> overrides;
    base::Pointer<UpstreamConfig> of_all;
    if (service_ && service_->UpstreamConfig) {
      for (const auto& override : service_->UpstreamConfig->Overrides) {
        if (!override || override->Name.empty()) continue;
        PeeredServiceName name{.ServiceName = {.Name = override->Name}, .Peer = override->Peer};
        overrides[name] = override.get();
        names.insert(std::move(name));
      }
      of_all = service_->UpstreamConfig->Defaults;
    }
    if (of_all) {
      if (of_all->MeshGateway.Mode.empty()) of_all->MeshGateway.Mode = config_.MeshGateway.Mode;
      overlay(defaults, *of_all);
      all[everybody] = {};  // what it says may be nothing
    }
    const bool by_registration = !question_.mesh_gateway.Mode.empty();
    if (by_registration) defaults.insert_or_assign(std::string(kMeshGatewayKey), as_value(question_.mesh_gateway));
    if (of_all || !defaults.empty()) all[everybody] = defaults;

    // The nearer to the upstream, the more it counts.
    for (const PeeredServiceName& name : names) {
      FreeConfig config;
      const auto set = [&](std::string_view key, Value value) {
        config.insert_or_assign(std::string(key), std::move(value));
      };
      if (!protocol.empty()) set(kProtocolKey, protocol);
      for (const auto& [key, value] : defaults) config.insert_or_assign(key, value);
      const ServiceConfigEntry* upstream = sources.service(name.ServiceName.Name);
      if (upstream && !upstream->Protocol.empty()) set(kProtocolKey, upstream->Protocol);
      if (!config_.MeshGateway.Mode.empty()) set(kMeshGatewayKey, as_value(config_.MeshGateway));
      if (of_all) overlay(config, *of_all);
      if (by_registration) set(kMeshGatewayKey, as_value(question_.mesh_gateway));
      if (const auto own = overrides.find(name); own != overrides.end()) overlay(config, *own->second);
      if (!config.empty()) all[name] = std::move(config);
    }
    return all;
  }

 private:
  const ServiceConfigQuestion& question_;
  const ServiceConfig& config_;
  const ServiceConfigEntry* service_;
};

}  // namespace

bool is_configured_centrally(const NodeService& service) {
  return is_sidecar(service) || service.Kind == kKindMeshGateway || service.Kind == kKindTerminatingGateway ||
         service.Kind == kKindIngressGateway || service.Kind == kKindApiGateway;
}

ServiceConfigQuestion service_config_question(const NodeService& service) {
  const ConnectProxyConfig& proxy = *service.Proxy;
  ServiceConfigQuestion question{.service = is_sidecar(service) ? proxy.DestinationServiceName : service.Service,
                                 .mesh_gateway = *proxy.MeshGateway,
                                 .mode = proxy.Mode,
                                 .upstreams = {}};
  for (const Upstream& upstream : proxy.Upstreams) {
    if (is_of_service(upstream)) question.upstreams.push_back(destination_of(upstream));
  }
  return question;
}

Result<ResolvedServiceConfig> resolve_service_config(const Tables& tables, const ServiceConfigQuestion& question,
                                                     base::KeySet* watch) {
  Sources sources(tables, watch);
  ResolvedServiceConfig resolved{.config = {}, .index = tables.index_of("config-entries"), .content = 0};
  ServiceConfig& config = resolved.config;
  const ProxyConfigEntry* proxies = sources.proxies();
  const ServiceConfigEntry* service = sources.service(question.service);
  UpstreamConfigs upstreams(question, config, service);
  std::string protocol;  // of everybody
  if (proxies) {
    take(config, *proxies);
    if (const auto given = config.ProxyConfig.find(kMeshGatewayKey); given != config.ProxyConfig.end()) {
      upstreams.defaults.insert_or_assign(std::string(kMeshGatewayKey), given->second);
    }
    if (!proxies->MeshGateway.Mode.empty()) {
      upstreams.defaults.insert_or_assign(std::string(kMeshGatewayKey), as_value(proxies->MeshGateway));
    }
    const Result<UpstreamConfig> parsed = as_upstream(config.ProxyConfig);
    if (!parsed) {
      return Error{parsed.error().code,
                   "failed to parse upstream config map for proxy-defaults: " + parsed.error().detail};
    }
    protocol = parsed->Protocol;
  }
  if (service) {
    take(config, *service);
    if (!service->MeshGateway.Mode.empty()) {
      upstreams.defaults.insert_or_assign(std::string(kMeshGatewayKey), as_value(service->MeshGateway));
    }
  }
  // A proxy that names no upstreams has none, unless it takes all that goes out.
  if (!question.upstreams.empty() || question.mode == kTransparent || config.Mode == kTransparent) {
    for (auto& [name, each] : upstreams.resolve(sources, protocol)) {
      config.UpstreamConfigs.push_back({.Upstream = name, .Config = std::move(each.make_present())});
    }
  }
  resolved.content = sources.content();
  return resolved;
}

Result<NodeService> merge_service_config(const ServiceConfig& central, NodeService service) {
  ConnectProxyConfig& proxy = service.Proxy.edit();
  fill(proxy.Config, central.ProxyConfig);
  fill(proxy.Expose, central.Expose);
  fill(proxy.AccessLogs, central.AccessLogs);
  proxy.EnvoyExtensions.reset();
  for (const EnvoyExtension& extension : central.EnvoyExtensions) {
    EnvoyExtension& own = proxy.EnvoyExtensions.emplace_back();
    own.Name = extension.Name;
    own.Required = extension.Required;
    own.Arguments = extension.Arguments;
  }
  fill(proxy.MeshGateway, central.MeshGateway);
  if (proxy.Mode.empty()) proxy.Mode = central.Mode;
  fill(proxy.TransparentProxy, central.TransparentProxy);
  if (proxy.MutualTLSMode.empty()) proxy.MutualTLSMode = central.MutualTLSMode;

  struct Remote {
    const OpaqueUpstreamConfig* from;
    MeshGatewayConfig gateway;
    bool is_local;
  };
  std::map<PeeredServiceName, Remote> remotes;
  for (const OpaqueUpstreamConfig& each : central.UpstreamConfigs) {
    const Result<UpstreamConfig> parsed = as_upstream(each.Config);
    if (!parsed) {
      return Error{parsed.error().code, "failed to parse upstream config map for " + each.Upstream.ServiceName.Name +
                                            ": " + parsed.error().detail};
    }
    remotes.emplace(each.Upstream, Remote{&each, parsed->MeshGateway, false});
  }
  for (Upstream& upstream : proxy.Upstreams) {
    if (!is_of_service(upstream)) continue;
    const auto found = remotes.find(destination_of(upstream));
    if (found == remotes.end()) continue;
    Remote& remote = found->second;
    remote.is_local = true;
    fill(upstream.MeshGateway, remote.gateway);
    const auto own = upstream.Config.find(kProtocolKey);
    const Value protocol = own == upstream.Config.end() ? Value() : own->second;
    const bool had_protocol = own != upstream.Config.end();
    fill(upstream.Config, remote.from->Config);
    if (!upstream.DestinationPeer.empty()) {  // a peer says itself what its services speak
      if (had_protocol) {
        upstream.Config.insert_or_assign(std::string(kProtocolKey), protocol);
      } else {
        upstream.Config.erase(std::string(kProtocolKey));
      }
    }
    upstream.Config.erase(std::string(kMeshGatewayKey));  // it is settled above
  }
  if (proxy.Mode == kTransparent) {
    for (const auto& [name, remote] : remotes) {
      if (remote.is_local) continue;
      Upstream& upstream = proxy.Upstreams.emplace_back();
      upstream.DestinationNamespace = "default";
      upstream.DestinationPartition = "default";
      upstream.DestinationName = name.ServiceName.Name;
      upstream.DestinationPeer = name.Peer;
      upstream.Config = remote.from->Config;
      fill(upstream.MeshGateway, remote.gateway);
      upstream.CentrallyConfigured = true;
    }
  }
  return service;
}

Result<> add_central_config(const Tables& tables, NodeService& service, std::uint64_t& index, base::KeySet* watch) {
  if (!is_configured_centrally(service)) return {};
  const Result<ResolvedServiceConfig> central = resolve_service_config(tables, service_config_question(service), watch);
  if (!central) {
    return Error{central.error().code,
                 "Failure computing service defaults for " + service.ID + ": " + central.error().detail};
  }
  index = std::max(index, central->index);
  Result<NodeService> merged = merge_service_config(central->config, service);
  if (!merged) {
    return Error{merged.error().code, "Failure merging service definition with config entry defaults for " +
                                          service.ID + ": " + merged.error().detail};
  }
  service = std::move(*merged);
  return {};
}

}  // namespace proconsul::catalog
