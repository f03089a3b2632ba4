// What /v1/internal/ui answers that nothing else does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/type.h"
#include "catalog/types/service.h"

namespace proconsul::agent::http {

struct GatewayConfig {
  base::Int AssociatedServiceCount{};
  base::List<std::string> Addresses{};
};
PROCONSUL_DECLARE_TYPE(GatewayConfig)

/// All instances of one service.
struct ServiceSummary {
  std::string Kind{};
  std::string Name{};
  std::string Datacenter{};
  base::List<std::string> Tags{};             // sorted
  base::List<std::string> Nodes{};            // sorted
  base::List<std::string> ExternalSources{};  // of the metadata "external-source", in order of appearance
  base::Int InstanceCount{};
  base::Int ChecksPassing{};
  base::Int ChecksWarning{};
  base::Int ChecksCritical{};
  http::GatewayConfig GatewayConfig{};
  bool TransparentProxy{};  // all its proxies are
  bool ConnectNative{};     // one instance is
  std::string PeerName{};
};
PROCONSUL_DECLARE_TYPE(ServiceSummary)

/// /v1/internal/ui/services
struct ServiceListingSummary : ServiceSummary {
  bool ConnectedWithProxy{};
  bool ConnectedWithGateway{};
};
PROCONSUL_DECLARE_TYPE(ServiceListingSummary)

/// By name. A proxy's checks count for the service that it stands for, too.
std::vector<ServiceListingSummary> summarize(const std::vector<catalog::CheckServiceNode>& instances);

}  // namespace proconsul::agent::http
