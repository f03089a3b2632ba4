// What the files of mesh_gateway_resources() share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/xds/mesh_gateway.h"
#include "agent/xds/messages.h"
#include "base/log.h"

namespace proconsul::agent::xds {

/// What Proxy.Config says of a gateway. The rest of it is the bootstrap's.
struct GatewayConfig {
  bool bind_tagged_addresses{};
  base::Map<catalog::ServiceAddress> bind_addresses{};
  bool no_default_bind{};
  std::string dns_discovery_type{};
  base::Int connect_timeout_ms{};
  bool tcp_keepalive_enable{};
  base::Int tcp_keepalive_time{}, tcp_keepalive_interval{}, tcp_keepalive_probes{};
  base::Pointer<base::Int> xds_fetch_timeout_ms{};
};
PROCONSUL_DECLARE_TYPE(GatewayConfig)

/// One world, and what follows from it.
struct GatewayView {
  explicit GatewayView(const GatewayWorld& of);

  const GatewayWorld& world;
  GatewayConfig config{};
  bool leads_to_servers = false;
  std::vector<std::string> datacenters{};  // that there are gateways of, sorted; this one may be among them

  const Instances& gateways(const std::string& datacenter) const;
  /// "dc2.internal.<trust domain>"
  std::string datacenter_name(const std::string& datacenter) const;
  /// "web.default.dc1.internal.<trust domain>", of a subset "v1.web.default..."
  std::string service_name(const std::string& service, const std::string& subset) const;
  /// "s1.server.dc1.consul", without a node that of any server
  std::string server_name(const std::string& datacenter, const std::string& node) const;
  /// "server.dc1.peering.<trust domain>", where peers come to; empty: they do not.
  std::string peering_name() const;
};

bool is_ip_address(const std::string& host);
/// Those whose address is a name.
Instances with_host_names(const Instances& instances, bool wan);
/// Of the subset's filter; nothing: that is wrong, and was logged.
std::optional<Instances> in_subset(const catalog::ServiceResolverSubset& subset, const Instances& instances);
/// Of an instance as a load balancer sees it. The host is empty where there is no address.
LbEndpoint endpoint_of(const catalog::CheckServiceNode& instance, bool wan, bool only_passing);

void add_clusters(const GatewayView& view, Resources& to);
void add_endpoints(const GatewayView& view, Resources& to);
void add_listeners(const GatewayView& view, Resources& to);

extern const base::log::Logger kGatewayLog;

}  // namespace proconsul::agent::xds
