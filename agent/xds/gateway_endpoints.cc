// Endpoints of the clusters that Envoy does not resolve by itself.
#include <charconv>
#include <utility>

#include "agent/xds/gateway_parts.h"
#include "wanfed/known.h"

namespace proconsul::agent::xds {

namespace {

class Endpoints {
 public:
  Endpoints(const GatewayView& view, Resources& to) : view_(view), to_(to) {}

  void add(const std::string& cluster, base::List<LbEndpoint> endpoints) {
    ClusterLoadAssignment assignment{.cluster_name = cluster, .endpoints = {}};
    assignment.endpoints.emplace_back().lb_endpoints = std::move(endpoints);
    std::string body;
    schema().append(body, assignment);
    to_.put(Kind::endpoint, cluster, std::move(body));
  }
  /// Far ones by their WAN addresses. Envoy refuses all of a cluster for one whose address is none.
  base::List<LbEndpoint> of(const Instances& instances, bool only_passing) const {
    base::List<LbEndpoint> endpoints;
    for (const catalog::CheckServiceNode& each : instances) {
      const bool far = each.Node && each.Node->Datacenter != view_.world.datacenter;
      LbEndpoint endpoint = endpoint_of(each, far, only_passing);
      if (is_address(endpoint)) endpoints.push_back(std::move(endpoint));
    }
    return endpoints;
  }
  void add_service(const std::string& service, const Instances& instances);
  void add_servers();
  void add_peering_servers(const std::string& cluster);

 private:
  static bool is_address(const LbEndpoint& endpoint) {
    return is_ip_address(endpoint.endpoint.address.socket_address.address);
  }

  const GatewayView& view_;
  Resources& to_;
};

void Endpoints::add_service(const std::string& service, const Instances& instances) {
  base::List<LbEndpoint> all = of(instances, false);
  if (const auto found = view_.world.resolvers.find(service); found != view_.world.resolvers.end()) {
    const catalog::ServiceResolverConfigEntry& resolver = *found->second;
    for (const auto& [name, subset] : resolver.Subsets) {
      const std::optional<Instances> chosen = in_subset(subset, instances);
      if (!chosen) continue;
      base::List<LbEndpoint> endpoints = of(*chosen, subset.OnlyPassing);
      if (name == resolver.DefaultSubset) all = endpoints;
      add(view_.service_name(service, name), std::move(endpoints));
    }
  }
  add(view_.service_name(service, {}), std::move(all));
}

/// Each by its name, and any of them.
void Endpoints::add_servers() {
  base::List<LbEndpoint> all;
  const std::string& own = view_.world.datacenter;
  for (const catalog::CheckServiceNode& server : *view_.world.servers) {
    if (!server.Node) continue;
    LbEndpoint endpoint{.endpoint = endpoint_of(server, false, false).endpoint};
    if (!is_address(endpoint)) continue;
    add(view_.server_name(own, server.Node->Node), {endpoint});
    all.push_back(std::move(endpoint));
  }
  add(view_.server_name(own, {}), std::move(all));
}

void Endpoints::add_peering_servers(const std::string& cluster) {
  base::List<LbEndpoint> endpoints;
  for (const catalog::CheckServiceNode& server : *view_.world.servers) {
    if (!server.Service) continue;
    const auto& meta = server.Service->Meta;
    if (const auto replica = meta.find("read_replica"); replica != meta.end() && replica->second == "true") continue;
    LbEndpoint endpoint{.endpoint = endpoint_of(server, false, false).endpoint};
    SocketAddress& address = endpoint.endpoint.address.socket_address;
    const auto port = meta.find("grpc_tls_port");
    address.port_value = 0;
    if (port != meta.end()) {
      std::from_chars(port->second.data(), port->second.data() + port->second.size(), address.port_value);
    }
    if (address.port_value == 0 || address.port_value > 65535) {
      kGatewayLog.warn("peering is enabled but local server does not have the required gRPC TLS port configured",
                       {{"server", server.Node ? server.Node->Node : std::string()}});
    } else if (is_address(endpoint)) {
      endpoints.push_back(std::move(endpoint));
    }
  }
  if (!endpoints.empty()) add(cluster, std::move(endpoints));
}

}  // namespace

void add_endpoints(const GatewayView& view, Resources& to) {
  Endpoints endpoints(view, to);
  for (const std::string& datacenter : view.datacenters) {
    if (datacenter == view.world.datacenter) continue;
    const Instances& gateways = view.gateways(datacenter);
    if (!with_host_names(gateways, true).empty()) continue;
    const base::List<LbEndpoint> there = endpoints.of(gateways, false);
    endpoints.add(view.datacenter_name(datacenter), there);
    if (view.leads_to_servers) endpoints.add(view.server_name(datacenter, {}), there);
  }
  if (view.leads_to_servers && view.world.servers) endpoints.add_servers();
  if (const std::string peering = view.peering_name(); !peering.empty()) endpoints.add_peering_servers(peering);
  for (const auto& [service, instances] : view.world.services) {
    if (instances && !instances->empty()) endpoints.add_service(service, *instances);
  }
}

}  // namespace proconsul::agent::xds
