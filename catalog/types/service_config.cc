#include "catalog/types/service_config.h"

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(OpaqueUpstreamConfig, "structs.OpaqueUpstreamConfig") {
  type.field("Upstream", &OpaqueUpstreamConfig::Upstream);
  type.field("Config", &OpaqueUpstreamConfig::Config);
}

PROCONSUL_DESCRIBE_TYPE(ServiceConfig, "structs.ServiceConfigResponse") {
  type.field("ProxyConfig", &ServiceConfig::ProxyConfig);
  type.field("UpstreamConfigs", &ServiceConfig::UpstreamConfigs).go_type("structs.OpaqueUpstreamConfigs");
  type.field("MeshGateway", &ServiceConfig::MeshGateway);
  type.field("Expose", &ServiceConfig::Expose);
  type.field("TransparentProxy", &ServiceConfig::TransparentProxy);
  type.field("MutualTLSMode", &ServiceConfig::MutualTLSMode).go_type("structs.MutualTLSMode").omit_empty();
  type.field("Mode", &ServiceConfig::Mode).go_type("structs.ProxyMode").omit_empty();
  type.field("Destination", &ServiceConfig::Destination);
  type.field("AccessLogs", &ServiceConfig::AccessLogs);
  type.field("RateLimits", &ServiceConfig::RateLimits);
  type.field("Meta", &ServiceConfig::Meta).omit_empty();
  type.field("EnvoyExtensions", &ServiceConfig::EnvoyExtensions).omit_empty();
}

}  // namespace proconsul::catalog
