#include "catalog/types/config_services.h"

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(PassiveHealthCheck, "structs.PassiveHealthCheck") {
  type.field("Interval", &PassiveHealthCheck::Interval).omit_empty();
  type.field("MaxFailures", &PassiveHealthCheck::MaxFailures).omit_empty().alias("max_failures");
  type.field("EnforcingConsecutive5xx", &PassiveHealthCheck::EnforcingConsecutive5xx)
      .omit_empty()
      .alias("enforcing_consecutive_5xx");
  type.field("MaxEjectionPercent", &PassiveHealthCheck::MaxEjectionPercent).omit_empty().alias("max_ejection_percent");
  type.field("BaseEjectionTime", &PassiveHealthCheck::BaseEjectionTime).omit_empty().alias("base_ejection_time");
}

PROCONSUL_DESCRIBE_TYPE(UpstreamLimits, "structs.UpstreamLimits") {
  type.field("MaxConnections", &UpstreamLimits::MaxConnections).omit_empty().alias("max_connections");
  type.field("MaxPendingRequests", &UpstreamLimits::MaxPendingRequests).omit_empty().alias("max_pending_requests");
  type.field("MaxConcurrentRequests", &UpstreamLimits::MaxConcurrentRequests)
      .omit_empty()
      .alias("max_concurrent_requests");
}

PROCONSUL_DESCRIBE_TYPE(UpstreamConfig, "structs.UpstreamConfig") {
  type.field("Name", &UpstreamConfig::Name).omit_empty();
  type.field("Peer", &UpstreamConfig::Peer);
  type.field("EnvoyListenerJSON", &UpstreamConfig::EnvoyListenerJSON).omit_empty().alias("envoy_listener_json");
  type.field("EnvoyClusterJSON", &UpstreamConfig::EnvoyClusterJSON).omit_empty().alias("envoy_cluster_json");
  type.field("Protocol", &UpstreamConfig::Protocol).omit_empty();
  type.field("ConnectTimeoutMs", &UpstreamConfig::ConnectTimeoutMs).omit_empty().alias("connect_timeout_ms");
  type.field("Limits", &UpstreamConfig::Limits).omit_empty();
  type.field("PassiveHealthCheck", &UpstreamConfig::PassiveHealthCheck).omit_empty().alias("passive_health_check");
  type.field("MeshGateway", &UpstreamConfig::MeshGateway).alias("mesh_gateway");
  type.field("BalanceOutboundConnections", &UpstreamConfig::BalanceOutboundConnections)
      .omit_empty()
      .alias("balance_outbound_connections");
}

PROCONSUL_DESCRIBE_TYPE(UpstreamConfiguration, "structs.UpstreamConfiguration") {
  type.field("Overrides", &UpstreamConfiguration::Overrides).omit_empty();
  type.field("Defaults", &UpstreamConfiguration::Defaults).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(DestinationConfig, "structs.DestinationConfig") {
  type.field("Addresses", &DestinationConfig::Addresses).omit_empty();
  type.field("Port", &DestinationConfig::Port).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(InstanceLevelRouteRateLimits, "structs.InstanceLevelRouteRateLimits") {
  type.field("PathExact", &InstanceLevelRouteRateLimits::PathExact).alias("path_exact");
  type.field("PathPrefix", &InstanceLevelRouteRateLimits::PathPrefix).alias("path_prefix");
  type.field("PathRegex", &InstanceLevelRouteRateLimits::PathRegex).alias("path_regex");
  type.field("RequestsPerSecond", &InstanceLevelRouteRateLimits::RequestsPerSecond).alias("requests_per_second");
  type.field("RequestsMaxBurst", &InstanceLevelRouteRateLimits::RequestsMaxBurst).alias("requests_max_burst");
}

PROCONSUL_DESCRIBE_TYPE(InstanceLevelRateLimits, "structs.InstanceLevelRateLimits") {
  type.field("RequestsPerSecond", &InstanceLevelRateLimits::RequestsPerSecond).alias("requests_per_second");
  type.field("RequestsMaxBurst", &InstanceLevelRateLimits::RequestsMaxBurst).alias("requests_max_burst");
  type.field("Routes", &InstanceLevelRateLimits::Routes);
}

PROCONSUL_DESCRIBE_TYPE(RateLimits, "structs.RateLimits") {
  type.field("InstanceLevel", &RateLimits::InstanceLevel).alias("instance_level");
}

PROCONSUL_DESCRIBE_TYPE(ServiceResolverFailoverPolicy, "structs.ServiceResolverFailoverPolicy") {
  type.field("Mode", &ServiceResolverFailoverPolicy::Mode).omit_empty();
  type.field("Regions", &ServiceResolverFailoverPolicy::Regions).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(ServiceResolverPrioritizeByLocality, "structs.ServiceResolverPrioritizeByLocality") {
  type.field("Mode", &ServiceResolverPrioritizeByLocality::Mode).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(HTTPHeaderModifiers, "structs.HTTPHeaderModifiers") {
  type.field("Add", &HTTPHeaderModifiers::Add).omit_empty();
  type.field("Set", &HTTPHeaderModifiers::Set).omit_empty();
  type.field("Remove", &HTTPHeaderModifiers::Remove).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(ServiceConfigEntry, "structs.ServiceConfigEntry") {
  type.field("Kind", &ServiceConfigEntry::Kind);
  type.field("Name", &ServiceConfigEntry::Name);
  type.field("Protocol", &ServiceConfigEntry::Protocol);
  type.field("Mode", &ServiceConfigEntry::Mode).go_type("structs.ProxyMode").omit_empty();
  type.field("TransparentProxy", &ServiceConfigEntry::TransparentProxy).alias("transparent_proxy");
  type.field("MutualTLSMode", &ServiceConfigEntry::MutualTLSMode)
      .go_type("structs.MutualTLSMode")
      .omit_empty()
      .alias("mutual_tls_mode");
  type.field("MeshGateway", &ServiceConfigEntry::MeshGateway).alias("mesh_gateway");
  type.field("Expose", &ServiceConfigEntry::Expose);
  type.field("ExternalSNI", &ServiceConfigEntry::ExternalSNI).omit_empty().alias("external_sni");
  type.field("UpstreamConfig", &ServiceConfigEntry::UpstreamConfig).omit_empty().alias("upstream_config");
  type.field("Destination", &ServiceConfigEntry::Destination).omit_empty();
  type.field("MaxInboundConnections", &ServiceConfigEntry::MaxInboundConnections)
      .omit_empty()
      .alias("max_inbound_connections");
  type.field("LocalConnectTimeoutMs", &ServiceConfigEntry::LocalConnectTimeoutMs)
      .omit_empty()
      .alias("local_connect_timeout_ms");
  type.field("LocalRequestTimeoutMs", &ServiceConfigEntry::LocalRequestTimeoutMs)
      .omit_empty()
      .alias("local_request_timeout_ms");
  type.field("BalanceInboundConnections", &ServiceConfigEntry::BalanceInboundConnections)
      .omit_empty()
      .alias("balance_inbound_connections");
  type.field("RateLimits", &ServiceConfigEntry::RateLimits).omit_empty().alias("rate_limits");
  type.field("EnvoyExtensions", &ServiceConfigEntry::EnvoyExtensions)
      .go_type("structs.EnvoyExtensions")
      .omit_empty()
      .alias("envoy_extensions");
  type.field("Meta", &ServiceConfigEntry::Meta).omit_empty();
  type.field("Hash", &ServiceConfigEntry::Hash).omit_empty();
  type.embed<RaftIndex>();
}

PROCONSUL_DESCRIBE_TYPE(ProxyConfigEntry, "structs.ProxyConfigEntry") {
  type.field("Kind", &ProxyConfigEntry::Kind);
  type.field("Name", &ProxyConfigEntry::Name);
  type.field("Config", &ProxyConfigEntry::Config);
  type.field("Protocol", &ProxyConfigEntry::Protocol).no_json();
  type.field("Mode", &ProxyConfigEntry::Mode).go_type("structs.ProxyMode").omit_empty();
  type.field("TransparentProxy", &ProxyConfigEntry::TransparentProxy).alias("transparent_proxy");
  type.field("MutualTLSMode", &ProxyConfigEntry::MutualTLSMode)
      .go_type("structs.MutualTLSMode")
      .omit_empty()
      .alias("mutual_tls_mode");
  type.field("MeshGateway", &ProxyConfigEntry::MeshGateway).alias("mesh_gateway");
  type.field("Expose", &ProxyConfigEntry::Expose);
  type.field("AccessLogs", &ProxyConfigEntry::AccessLogs).alias("access_logs");
  type.field("EnvoyExtensions", &ProxyConfigEntry::EnvoyExtensions)
      .go_type("structs.EnvoyExtensions")
      .omit_empty()
      .alias("envoy_extensions");
  type.field("FailoverPolicy", &ProxyConfigEntry::FailoverPolicy).omit_empty().alias("failover_policy");
  type.field("PrioritizeByLocality", &ProxyConfigEntry::PrioritizeByLocality)
      .omit_empty()
      .alias("prioritize_by_locality");
  type.field("Meta", &ProxyConfigEntry::Meta).omit_empty();
  type.field("Hash", &ProxyConfigEntry::Hash).omit_empty();
  type.embed<RaftIndex>();
  type.wrapped();
}

}  // namespace proconsul::catalog
