#include "agent/xds/mesh_gateway.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "agent/xds/gateway_parts.h"
#include "base/filter/filter.h"
#include "base/net/resolver.h"
#include "base/type_of.h"
#include "base/weak_decode.h"
#include "wanfed/known.h"
#include "wanfed/names.h"

namespace proconsul::agent::xds {

using base::Result;

const base::log::Logger kGatewayLog("agent.envoy.xds.mesh_gateway");

PROCONSUL_DESCRIBE_TYPE(GatewayConfig, "config.GatewayConfig") {
  type.field("envoy_gateway_bind_tagged_addresses", &GatewayConfig::bind_tagged_addresses)
      .alias("envoy_mesh_gateway_bind_tagged_addresses");
  type.field("envoy_gateway_bind_addresses", &GatewayConfig::bind_addresses).alias("envoy_mesh_gateway_bind_addresses");
  type.field("envoy_gateway_no_default_bind", &GatewayConfig::no_default_bind)
      .alias("envoy_mesh_gateway_no_default_bind");
  type.field("envoy_dns_discovery_type", &GatewayConfig::dns_discovery_type);
  type.field("connect_timeout_ms", &GatewayConfig::connect_timeout_ms);
  type.field("envoy_gateway_remote_tcp_enable_keepalive", &GatewayConfig::tcp_keepalive_enable);
  type.field("envoy_gateway_remote_tcp_keepalive_time", &GatewayConfig::tcp_keepalive_time);
  type.field("envoy_gateway_remote_tcp_keepalive_interval", &GatewayConfig::tcp_keepalive_interval);
  type.field("envoy_gateway_remote_tcp_keepalive_probes", &GatewayConfig::tcp_keepalive_probes);
  type.field("xds_fetch_timeout_ms", &GatewayConfig::xds_fetch_timeout_ms);
}

namespace {

constexpr base::Int kConnectTimeoutMs = 5000;
constexpr base::Int kMostWeight = 128;  // that Envoy takes

GatewayConfig config_of(const catalog::NodeService& service) {
  GatewayConfig config;
  if (const auto read = base::decode_weakly(service.Proxy->Config, base::type_of<GatewayConfig>(), &config); !read) {
    kGatewayLog.warn("failed to parse Connect.Proxy.Config", {{"service_id", service.ID}, {"error", read.error()}});
  }
  if (config.connect_timeout_ms < 1) config.connect_timeout_ms = kConnectTimeoutMs;
  std::ranges::transform(config.dns_discovery_type, config.dns_discovery_type.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return config;
}

std::uint64_t newest(const Instances& instances) {
  std::uint64_t index = 0;
  for (const catalog::CheckServiceNode& each : instances) {
    if (each.Service) index = std::max(index, each.Service->ModifyIndex);
  }
  return index;
}

const Instances& find(const InstancesByName& all, const std::string& name) {
  static const Instances kNone;
  const auto found = all.find(name);
  return found == all.end() || !found->second ? kNone : *found->second;
}

/// Of what wanfed::address_of() gives.
SocketAddress split(const std::string& address) {
  SocketAddress out;
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) return out;
  out.address = address.substr(0, colon);
  if (out.address.starts_with('[')) out.address = out.address.substr(1, out.address.size() - 2);
  std::from_chars(address.data() + colon + 1, address.data() + address.size(), out.port_value);
  return out;
}

}  // namespace

bool exposes_servers(const GatewayWorld& world) {
  const auto meta = world.service.Meta.find(wanfed::kFederationMeta);
  return meta != world.service.Meta.end() && meta->second == "1";
}

GatewayView::GatewayView(const GatewayWorld& of)
    : world(of), config(config_of(of.service)), leads_to_servers(exposes_servers(of)) {
  std::set<std::string> names;
  for (const InstancesByName* source : {&of.told, &of.states}) {
    for (const auto& [name, instances] : *source) {
      if (instances && !instances->empty()) names.insert(name);
    }
  }
  datacenters.assign(names.begin(), names.end());
}

const Instances& GatewayView::gateways(const std::string& datacenter) const {
  const Instances& told = find(world.told, datacenter);
  const Instances& state = find(world.states, datacenter);
  return newest(state) > newest(told) ? state : told;
}

std::string GatewayView::datacenter_name(const std::string& datacenter) const {
  return datacenter + ".internal." + world.trust_domain;
}

std::string GatewayView::service_name(const std::string& service, const std::string& subset) const {
  return (subset.empty() ? "" : subset + '.') + service + ".default." + datacenter_name(world.datacenter);
}

std::string GatewayView::server_name(const std::string& datacenter, const std::string& node) const {
  return wanfed::server_name(node, datacenter, world.domain);
}

std::string GatewayView::peering_name() const {
  if (!world.peering_through_gateways || !world.servers) return {};
  const bool votes = std::ranges::any_of(*world.servers, [](const catalog::CheckServiceNode& each) {
    if (!each.Service) return false;
    const auto replica = each.Service->Meta.find("read_replica");
    return replica == each.Service->Meta.end() || replica->second != "true";
  });
  return votes ? "server." + world.datacenter + ".peering." + world.trust_domain : std::string();
}

bool is_ip_address(const std::string& host) {
  base::net::SocketAddress parsed;
  return base::net::parse_address(host, 0, parsed);
}

Instances with_host_names(const Instances& instances, bool wan) {
  Instances named;
  for (const catalog::CheckServiceNode& each : instances) {
    if (!each.Service) continue;
    const std::string host = split(wanfed::address_of(each, wan)).address;
    if (!host.empty() && !is_ip_address(host)) named.push_back(each);
  }
  return named;
}

std::optional<Instances> in_subset(const catalog::ServiceResolverSubset& subset, const Instances& instances) {
  Result<base::filter::Filter> filter = base::filter::Filter::create<catalog::CheckServiceNode>(subset.Filter);
  if (!filter) {
    kGatewayLog.error("failed to filter a subset of a service resolver",
                      {{"filter", subset.Filter}, {"error", filter.error()}});
    return std::nullopt;
  }
  Instances kept = instances;
  std::erase_if(kept, [&](const catalog::CheckServiceNode& each) { return !filter->matches(each); });
  return kept;
}

LbEndpoint endpoint_of(const catalog::CheckServiceNode& instance, bool wan, bool only_passing) {
  LbEndpoint out;
  if (!instance.Service) return out;
  out.endpoint.address.socket_address = split(wanfed::address_of(instance, wan));
  const catalog::Weights* weights = instance.Service->Weights.get();
  base::Int weight = weights ? weights->Passing : 1;
  bool healthy = true;
  for (const auto& check : instance.Checks) {
    if (!check) continue;
    if (check->Status == catalog::kHealthCritical) healthy = false;
    if (only_passing && check->Status != catalog::kHealthPassing) healthy = false;
    if (check->Status == catalog::kHealthWarning && weights) weight = weights->Warning;
  }
  if (weight < 1) healthy = false;
  out.health_status = healthy ? kHealthHealthy : kHealthUnhealthy;
  out.load_balancing_weight.emplace().value = static_cast<std::uint32_t>(std::clamp<base::Int>(weight, 1, kMostWeight));
  return out;
}

Resources mesh_gateway_resources(const GatewayWorld& world) {
  const GatewayView view(world);
  Resources resources;
  resources.may_be_empty[static_cast<std::size_t>(Kind::cluster)] = true;
  add_clusters(view, resources);
  add_endpoints(view, resources);
  add_listeners(view, resources);
  return resources;
}

}  // namespace proconsul::agent::xds
