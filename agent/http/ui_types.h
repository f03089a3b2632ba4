// What /v1/internal/ui answers that nothing else does.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
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

/// Makes the summaries of services.
class ServiceSummaries {
 public:
  ServiceSummaries();
  ~ServiceSummaries();
  ServiceSummaries(const ServiceSummaries&) = delete;

  /// A proxy's checks count for the service that it stands for, too.
  void add(const catalog::Node& node, const catalog::NodeService& service,
           const base::List<base::Pointer<catalog::HealthCheck>>& checks);
  /// That a gateway serves it, and at which addresses; those of hosts that it names, or of these names.
  void add_gateway(const catalog::GatewayService& link, const std::vector<std::string>& names);
  /// By name.
  std::vector<ServiceListingSummary> finish();

 private:
  struct Collected;
  Collected& of(const std::string& name, const std::string& peer);
  std::map<std::pair<std::string, std::string>, Collected> collected_;  // name and peer
};

std::vector<ServiceListingSummary> summarize(const std::vector<catalog::CheckServiceNode>& instances);
/// Says of gateways how much they serve, and of services that a gateway does.
void add_links(std::vector<ServiceListingSummary>& summaries, const std::vector<const catalog::GatewayService*>& links);

}  // namespace proconsul::agent::http
