// What central configuration says of one service and of the upstreams of its proxy.
#pragma once

#include <string>

#include "base/type.h"
#include "base/value.h"
#include "catalog/types/config_services.h"
#include "catalog/types/proxy.h"
#include "catalog/types/service.h"

namespace proconsul::catalog {

struct OpaqueUpstreamConfig {
  PeeredServiceName Upstream{};  // "*": whichever has nothing of its own
  base::Map<base::Value> Config{};
};
PROCONSUL_DECLARE_TYPE(OpaqueUpstreamConfig)

struct ServiceConfig {
  base::Map<base::Value> ProxyConfig{};
  base::List<OpaqueUpstreamConfig> UpstreamConfigs{};  // sorted
  MeshGatewayConfig MeshGateway{};
  ExposeConfig Expose{};
  TransparentProxyConfig TransparentProxy{};
  std::string MutualTLSMode{};
  std::string Mode{};
  DestinationConfig Destination{};
  AccessLogsConfig AccessLogs{};
  catalog::RateLimits RateLimits{};
  base::Map<std::string> Meta{};
  base::List<EnvoyExtension> EnvoyExtensions{};
};
PROCONSUL_DECLARE_TYPE(ServiceConfig)

}  // namespace proconsul::catalog
