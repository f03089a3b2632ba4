// Clusters: datacenters, servers, services and their subsets.
#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "agent/xds/gateway_parts.h"

namespace proconsul::agent::xds {

using base::Duration;

namespace {

constexpr Duration kDnsRefresh = base::seconds(10);

Number number(base::Int value) {
  return {.value = static_cast<std::uint32_t>(std::max<base::Int>(value, 0))};
}

base::Pointer<Number> if_set(base::Int value) {
  return value == 0 ? base::Pointer<Number>() : base::Pointer<Number>(number(value));
}

base::Pointer<Number> if_set(const base::Pointer<base::Int>& value) {
  return value ? base::Pointer<Number>(number(*value)) : base::Pointer<Number>();
}

struct Wanted {
  std::string name{};
  Instances host_names{};  // of the gateways that lead there; none: their addresses come as endpoints
  bool far = false;        // in another datacenter
  Duration connect_timeout{};
};

class Clusters {
 public:
  Clusters(const GatewayView& view, Resources& to) : view_(view), to_(to) {}

  Cluster make(Wanted wanted) const;
  void put(const Cluster& cluster) {
    std::string body;
    schema().append(body, cluster);
    to_.put(Kind::cluster, cluster.name, std::move(body));
  }
  void add(Wanted wanted) { put(make(std::move(wanted))); }
  void add_service(const std::string& service, const Instances& instances);

 private:
  ClusterLoadAssignment resolved_by_envoy(const std::string& name, const Instances& instances, bool far) const;

  const GatewayView& view_;
  Resources& to_;
};

/// Envoy resolves the names by itself; of logical DNS it takes one.
ClusterLoadAssignment Clusters::resolved_by_envoy(const std::string& name, const Instances& instances, bool far) const {
  const std::size_t most = view_.config.dns_discovery_type == "strict_dns" ? instances.size() : 1;
  ClusterLoadAssignment assignment{.cluster_name = name, .endpoints = {}};
  base::List<LbEndpoint>& endpoints = assignment.endpoints.emplace_back().lb_endpoints;
  base::Pointer<LbEndpoint> fallback;
  std::set<std::string> names;
  for (const catalog::CheckServiceNode& each : instances) {
    LbEndpoint endpoint = endpoint_of(each, far, false);
    names.insert(endpoint.endpoint.address.socket_address.address);
    if (endpoint.health_status == kHealthUnhealthy) {
      fallback = std::move(endpoint);
    } else if (endpoints.size() < most) {
      endpoints.push_back(std::move(endpoint));
    }
  }
  if (endpoints.empty() && fallback) {
    kGatewayLog.warn("upstream service does not contain any healthy instances", {{"cluster", name}});
    endpoints.push_back(std::move(*fallback));
  }
  if (most == 1 && names.size() > 1) {
    kGatewayLog.warn("service contains instances with more than one unique hostname; Envoy resolves only the first",
                     {{"cluster", name}});
  }
  return assignment;
}

Cluster Clusters::make(Wanted wanted) const {
  const GatewayConfig& config = view_.config;
  Cluster cluster;
  cluster.name = std::move(wanted.name);
  cluster.connect_timeout =
      wanted.connect_timeout.nanoseconds > 0 ? wanted.connect_timeout : Duration{config.connect_timeout_ms * 1'000'000};
  if (wanted.far && config.tcp_keepalive_enable) {
    TcpKeepalive& keepalive = cluster.upstream_connection_options.emplace().tcp_keepalive;
    keepalive.keepalive_time = if_set(config.tcp_keepalive_time);
    keepalive.keepalive_interval = if_set(config.tcp_keepalive_interval);
    keepalive.keepalive_probes = if_set(config.tcp_keepalive_probes);
  }
  if (wanted.host_names.empty()) {
    cluster.type = kEds;
    ConfigSource& source = cluster.eds_cluster_config.emplace().eds_config;
    source.resource_api_version = kApiVersion3;
    if (config.xds_fetch_timeout_ms && *config.xds_fetch_timeout_ms >= 0) {
      source.initial_fetch_timeout.emplace() = Duration{*config.xds_fetch_timeout_ms * 1'000'000};
    }
  } else {
    cluster.type = config.dns_discovery_type == "strict_dns" ? kStrictDns : kLogicalDns;
    cluster.dns_refresh_rate.emplace() = kDnsRefresh;
    cluster.dns_lookup_family = kV4Only;
    cluster.load_assignment.emplace() = resolved_by_envoy(cluster.name, wanted.host_names, wanted.far);
  }
  if (const catalog::UpstreamLimits* limits = view_.world.limits.get()) {
    cluster.circuit_breakers.emplace().thresholds.push_back({.max_connections = if_set(limits->MaxConnections),
                                                             .max_pending_requests = if_set(limits->MaxPendingRequests),
                                                             .max_requests = if_set(limits->MaxConcurrentRequests)});
  }
  return cluster;
}

/// What needs more than a connection to be balanced (hashes of headers) is none of a gateway's business.
void balance(Cluster& cluster, const catalog::LoadBalancer* balancer) {
  if (!balancer) return;
  if (balancer->Policy == "least_request") {
    cluster.lb_policy = kLeastRequest;
    if (balancer->LeastRequestConfig) {
      cluster.least_request_lb_config.emplace().choice_count.emplace().value =
          balancer->LeastRequestConfig->ChoiceCount;
    }
  } else if (balancer->Policy == "random") {
    cluster.lb_policy = kRandom;
  }
}

void Clusters::add_service(const std::string& service, const Instances& instances) {
  static const catalog::ServiceResolverConfigEntry kNone;
  const auto found = view_.world.resolvers.find(service);
  const catalog::ServiceResolverConfigEntry& resolver = found == view_.world.resolvers.end() ? kNone : *found->second;
  const bool far =
      !instances.empty() && instances.front().Node && instances.front().Node->Datacenter != view_.world.datacenter;
  const auto add_one = [&](const std::string& subset) {
    Cluster cluster = make({.name = view_.service_name(service, subset),
                            .host_names = {},
                            .far = far,
                            .connect_timeout = resolver.ConnectTimeout});
    balance(cluster, resolver.LoadBalancer.get());
    put(cluster);
  };
  add_one({});
  for (const auto& [name, subset] : resolver.Subsets) add_one(name);
}

}  // namespace

void add_clusters(const GatewayView& view, Resources& to) {
  Clusters clusters(view, to);
  const std::string& own = view.world.datacenter;
  for (const std::string& datacenter : view.datacenters) {
    const bool far = datacenter != own;
    const Instances names = far ? with_host_names(view.gateways(datacenter), true) : Instances();
    if (far) clusters.add({.name = view.datacenter_name(datacenter), .host_names = names, .far = true});
    if (view.leads_to_servers) {
      clusters.add({.name = view.server_name(datacenter, {}), .host_names = names, .far = far});
    }
  }
  if (view.leads_to_servers && view.world.servers) {
    for (const catalog::CheckServiceNode& server : *view.world.servers) {
      if (server.Node) clusters.add({.name = view.server_name(own, server.Node->Node)});
    }
  }
  if (std::string peering = view.peering_name(); !peering.empty()) clusters.add({.name = std::move(peering)});
  for (const auto& [service, instances] : view.world.services) {
    if (instances && !instances->empty()) clusters.add_service(service, *instances);
  }
}

}  // namespace proconsul::agent::xds
