// How a mesh proxy is configured: the Proxy block of a service.
#pragma once

#include <string>

#include "base/type.h"
#include "base/value.h"
#include "catalog/types/common.h"

namespace proconsul::catalog {

struct EnvoyExtension {
  std::string Name{};
  bool Required{};
  base::Map<base::Value> Arguments{};
  std::string ConsulVersion{};
  std::string EnvoyVersion{};
};
PROCONSUL_DECLARE_TYPE(EnvoyExtension)

struct MeshGatewayConfig {
  std::string Mode{};  // "", none, local, remote
};
PROCONSUL_DECLARE_TYPE(MeshGatewayConfig)

struct TransparentProxyConfig {
  base::Int OutboundListenerPort{};
  bool DialedDirectly{};
};
PROCONSUL_DECLARE_TYPE(TransparentProxyConfig)

struct AccessLogsConfig {
  bool Enabled{};
  bool DisableListenerLogs{};
  std::string Type{};
  std::string Path{};
  std::string JSONFormat{};
  std::string TextFormat{};
};
PROCONSUL_DECLARE_TYPE(AccessLogsConfig)

struct ExposePath {
  base::Int ListenerPort{};
  std::string Path{};
  base::Int LocalPathPort{};
  std::string Protocol{};
  bool ParsedFromCheck{};
};
PROCONSUL_DECLARE_TYPE(ExposePath)

/// Paths that the proxy lets through without mTLS.
struct ExposeConfig {
  bool Checks{};
  base::List<ExposePath> Paths{};
};
PROCONSUL_DECLARE_TYPE(ExposeConfig)

struct Upstream {
  std::string DestinationType{};  // service (default) or prepared_query
  std::string DestinationNamespace{};
  std::string DestinationPartition{};
  std::string DestinationPeer{};
  std::string DestinationName{};
  std::string Datacenter{};
  std::string LocalBindAddress{};
  base::Int LocalBindPort{};
  std::string LocalBindSocketPath{};
  std::string LocalBindSocketMode{};
  base::Map<base::Value> Config{};
  base::Rare<MeshGatewayConfig> MeshGateway{};
  base::List<std::string> IngressHosts{};  // servers' own bookkeeping; on the wire only
  bool CentrallyConfigured{};
};
PROCONSUL_DECLARE_TYPE(Upstream)

struct ConnectProxyConfig {
  base::List<EnvoyExtension> EnvoyExtensions{};
  std::string DestinationServiceName{};
  std::string DestinationServiceID{};
  std::string LocalServiceAddress{};
  base::Int LocalServicePort{};
  std::string LocalServiceSocketPath{};
  std::string Mode{};  // "", transparent, direct
  base::Map<base::Value> Config{};
  base::List<Upstream> Upstreams{};
  base::Rare<MeshGatewayConfig> MeshGateway{};
  base::Rare<ExposeConfig> Expose{};
  base::Rare<TransparentProxyConfig> TransparentProxy{};
  std::string MutualTLSMode{};  // on the wire only
  base::Rare<AccessLogsConfig> AccessLogs{};
};
PROCONSUL_DECLARE_TYPE(ConnectProxyConfig)

}  // namespace proconsul::catalog
