// How services and their proxies are configured in one place: service-defaults and proxy-defaults.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "base/type.h"
#include "base/value.h"
#include "catalog/types/config_entry.h"
#include "catalog/types/proxy.h"

namespace proconsul::catalog {

/// When a proxy takes an instance out because of its answers.
struct PassiveHealthCheck {
  base::Duration Interval{};
  std::uint32_t MaxFailures{};
  base::Pointer<std::uint32_t> EnforcingConsecutive5xx{};
  base::Pointer<std::uint32_t> MaxEjectionPercent{};
  base::Pointer<base::Duration> BaseEjectionTime{};
};
PROCONSUL_DECLARE_TYPE(PassiveHealthCheck)

struct UpstreamLimits {
  base::Pointer<base::Int> MaxConnections{};
  base::Pointer<base::Int> MaxPendingRequests{};
  base::Pointer<base::Int> MaxConcurrentRequests{};
};
PROCONSUL_DECLARE_TYPE(UpstreamLimits)

/// How a proxy reaches one upstream; as a default it has no name.
struct UpstreamConfig {
  std::string Name{};
  std::string Peer{};
  std::string EnvoyListenerJSON{};
  std::string EnvoyClusterJSON{};
  std::string Protocol{};
  base::Int ConnectTimeoutMs{};
  base::Pointer<UpstreamLimits> Limits{};
  base::Pointer<catalog::PassiveHealthCheck> PassiveHealthCheck{};
  MeshGatewayConfig MeshGateway{};
  std::string BalanceOutboundConnections{};
};
PROCONSUL_DECLARE_TYPE(UpstreamConfig)

struct UpstreamConfiguration {
  base::List<base::Pointer<UpstreamConfig>> Overrides{};
  base::Pointer<UpstreamConfig> Defaults{};
};
PROCONSUL_DECLARE_TYPE(UpstreamConfiguration)

struct DestinationConfig {
  base::List<std::string> Addresses{};
  base::Int Port{};
};
PROCONSUL_DECLARE_TYPE(DestinationConfig)

struct InstanceLevelRouteRateLimits {
  std::string PathExact{};
  std::string PathPrefix{};
  std::string PathRegex{};
  base::Int RequestsPerSecond{};
  base::Int RequestsMaxBurst{};
};
PROCONSUL_DECLARE_TYPE(InstanceLevelRouteRateLimits)

struct InstanceLevelRateLimits {
  base::Int RequestsPerSecond{};
  base::Int RequestsMaxBurst{};
  base::List<InstanceLevelRouteRateLimits> Routes{};
};
PROCONSUL_DECLARE_TYPE(InstanceLevelRateLimits)

struct RateLimits {
  InstanceLevelRateLimits InstanceLevel{};
};
PROCONSUL_DECLARE_TYPE(RateLimits)

struct ServiceResolverFailoverPolicy {
  std::string Mode{};
  base::List<std::string> Regions{};
};
PROCONSUL_DECLARE_TYPE(ServiceResolverFailoverPolicy)

struct ServiceResolverPrioritizeByLocality {
  std::string Mode{};
};
PROCONSUL_DECLARE_TYPE(ServiceResolverPrioritizeByLocality)

/// What happens to the headers of a request or an answer on its way.
struct HTTPHeaderModifiers {
  base::Map<std::string> Add{};
  base::Map<std::string> Set{};
  base::List<std::string> Remove{};
};
PROCONSUL_DECLARE_TYPE(HTTPHeaderModifiers)

/// service-defaults: of a service, or of a destination outside the mesh.
struct ServiceConfigEntry : ConfigEntry {
  std::string Protocol{};
  std::string Mode{};
  TransparentProxyConfig TransparentProxy{};
  std::string MutualTLSMode{};
  MeshGatewayConfig MeshGateway{};
  ExposeConfig Expose{};
  std::string ExternalSNI{};
  base::Pointer<UpstreamConfiguration> UpstreamConfig{};
  base::Pointer<DestinationConfig> Destination{};
  base::Int MaxInboundConnections{};
  base::Int LocalConnectTimeoutMs{};
  base::Int LocalRequestTimeoutMs{};
  std::string BalanceInboundConnections{};
  base::Pointer<catalog::RateLimits> RateLimits{};
  base::List<EnvoyExtension> EnvoyExtensions{};
};
PROCONSUL_DECLARE_TYPE(ServiceConfigEntry)

/// proxy-defaults: of all proxies; there is one, named global.
struct ProxyConfigEntry : ConfigEntry {
  base::Map<base::Value> Config{};
  std::string Protocol{};  // what Config says; on the wire only
  std::string Mode{};
  TransparentProxyConfig TransparentProxy{};
  std::string MutualTLSMode{};
  MeshGatewayConfig MeshGateway{};
  ExposeConfig Expose{};
  AccessLogsConfig AccessLogs{};
  base::List<EnvoyExtension> EnvoyExtensions{};
  base::Pointer<ServiceResolverFailoverPolicy> FailoverPolicy{};
  base::Pointer<ServiceResolverPrioritizeByLocality> PrioritizeByLocality{};
};
PROCONSUL_DECLARE_TYPE(ProxyConfigEntry)

}  // namespace proconsul::catalog
