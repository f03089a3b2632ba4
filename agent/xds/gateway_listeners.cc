// Listeners: a chain for each server name that leads elsewhere, and one that takes the name for a cluster's.
#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "agent/grpc/envoy_access_logs.h"
#include "agent/xds/gateway_parts.h"

namespace proconsul::agent::xds {

using base::Result;

namespace {

constexpr const char* kTlsInspector = "envoy.filters.listener.tls_inspector";
constexpr const char* kSniCluster = "envoy.filters.network.sni_cluster";
constexpr const char* kTcpProxy = "envoy.filters.network.tcp_proxy";

/// Of the listener itself (connections for which it has no chain) or of a chain; none if they are off.
base::List<AccessLog> access_logs(const catalog::AccessLogsConfig& logs, bool of_listener) {
  base::List<AccessLog> out;
  if (!logs.Enabled || (of_listener && logs.DisableListenerLogs)) return out;
  Result<grpc::EnvoyLogFormat> format = grpc::envoy_log_format(logs);
  if (!format) {
    kGatewayLog.warn("error generating access log xds", {{"error", format.error()}});
    return out;
  }
  SubstitutionFormatString line;
  line.json_format = std::move(format->fields);
  if (!format->text.empty()) line.text_format_source.emplace().inline_string = std::move(format->text);
  AccessLog& log = out.emplace_back();
  log.name = of_listener ? "Consul Listener Log" : grpc::kEnvoyLogName;
  if (of_listener) log.filter.emplace().response_flag_filter.flags.emplace_back("NR");
  const std::string sink = format->sink;
  log.typed_config = logs.Type == "file" ? any_of(sink, FileAccessLog{.path = logs.Path, .log_format = std::move(line)})
                                         : any_of(sink, StreamAccessLog{.log_format = std::move(line)});
  return out;
}

Filter tcp_proxy(const GatewayView& view, const std::string& prefix, std::string name, const std::string& cluster) {
  std::ranges::replace(name, ':', '_');
  TcpProxy proxy{.stat_prefix = prefix + name,
                 .cluster = cluster,
                 .access_log = access_logs(*view.world.service.Proxy->AccessLogs, false)};
  return {.name = kTcpProxy, .typed_config = any_of("envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", proxy)};
}

FilterChain chain(std::string server_name, Filter filter) {
  FilterChain chain;
  chain.filter_chain_match.emplace().server_names.push_back(std::move(server_name));
  chain.filters.push_back(std::move(filter));
  return chain;
}

Listener listener(const GatewayView& view, const std::string& name, const catalog::ServiceAddress& at) {
  const std::string& own = view.world.datacenter;
  const std::string host = at.Address.empty() ? "127.0.0.1" : at.Address;
  Listener out;
  out.name = name + ':' + host + ':' + std::to_string(at.Port);
  out.address.socket_address = {.address = host, .port_value = static_cast<std::uint32_t>(at.Port)};
  out.access_log = access_logs(*view.world.service.Proxy->AccessLogs, true);
  out.listener_filters.push_back(
      {.name = kTlsInspector,
       .typed_config = any_of("envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector", Nothing{})});
  for (const std::string& datacenter : view.datacenters) {
    if (datacenter == own) continue;
    const std::string cluster = view.datacenter_name(datacenter);
    out.filter_chains.push_back(
        chain("*." + cluster, tcp_proxy(view, "mesh_gateway_remote.", name + '.' + datacenter, cluster)));
  }
  if (view.leads_to_servers) {
    for (const std::string& datacenter : view.datacenters) {
      if (datacenter == own) continue;
      const std::string cluster = view.server_name(datacenter, {});
      out.filter_chains.push_back(
          chain("*." + cluster, tcp_proxy(view, "mesh_gateway_remote.", name + '.' + datacenter, cluster)));
    }
    for (const catalog::CheckServiceNode& server : view.world.servers ? *view.world.servers : Instances()) {
      if (!server.Node) continue;
      const std::string cluster = view.server_name(own, server.Node->Node);
      out.filter_chains.push_back(
          chain(cluster, tcp_proxy(view, "mesh_gateway_local_server.", name + '.' + own, cluster)));
    }
  }
  if (const std::string peering = view.peering_name(); !peering.empty()) {
    out.filter_chains.push_back(
        chain(peering, tcp_proxy(view, "mesh_gateway_local_peering_server.", name + '.' + own, peering)));
  }
  // Whatever else is asked for is a cluster of that name, or none.
  FilterChain& rest = out.filter_chains.emplace_back();
  rest.filters.push_back(
      {.name = kSniCluster,
       .typed_config = any_of("envoy.extensions.filters.network.sni_cluster.v3.SniCluster", Nothing{})});
  rest.filters.push_back(tcp_proxy(view, "mesh_gateway_local.", name, {}));
  return out;
}

}  // namespace

void add_listeners(const GatewayView& view, Resources& to) {
  const catalog::NodeService& service = view.world.service;
  std::multimap<std::string, catalog::ServiceAddress> addresses;
  if (!view.config.no_default_bind) {
    const std::string host = service.Address.empty() ? "0.0.0.0" : service.Address;
    addresses.emplace("default", catalog::ServiceAddress{.Address = host, .Port = service.Port});
  }
  if (view.config.bind_tagged_addresses) {
    addresses.insert(service.TaggedAddresses.begin(), service.TaggedAddresses.end());
  }
  addresses.insert(view.config.bind_addresses.begin(), view.config.bind_addresses.end());
  // At each address one listens, under the first of its names.
  std::vector<catalog::ServiceAddress> seen;
  for (const auto& [name, address] : addresses) {
    if (std::ranges::find(seen, address) != seen.end()) continue;
    seen.push_back(address);
    const Listener made = listener(view, name, address);
    std::string body;
    schema().append(body, made);
    to.put(Kind::listener, made.name, std::move(body));
  }
}

}  // namespace proconsul::agent::xds
