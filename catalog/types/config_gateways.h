// Gateways and their certificates: ingress-gateway, terminating-gateway, api-gateway, bound-api-gateway,
// file-system-certificate and inline-certificate.
#pragma once

#include <cstdint>
#include <string>

#include "base/type.h"
#include "catalog/types/config_routes.h"
#include "catalog/types/config_services.h"

namespace proconsul::catalog {

struct GatewayTLSSDSConfig {
  std::string ClusterName{};
  std::string CertResource{};
};
PROCONSUL_DECLARE_TYPE(GatewayTLSSDSConfig)

struct GatewayTLSConfig {
  bool Enabled{};
  base::Pointer<GatewayTLSSDSConfig> SDS{};
  std::string TLSMinVersion{};
  std::string TLSMaxVersion{};
  base::List<std::string> CipherSuites{};
};
PROCONSUL_DECLARE_TYPE(GatewayTLSConfig)

struct GatewayServiceTLSConfig {
  base::Pointer<GatewayTLSSDSConfig> SDS{};
};
PROCONSUL_DECLARE_TYPE(GatewayServiceTLSConfig)

struct IngressServiceConfig {
  std::uint32_t MaxConnections{};
  std::uint32_t MaxPendingRequests{};
  std::uint32_t MaxConcurrentRequests{};
  base::Pointer<catalog::PassiveHealthCheck> PassiveHealthCheck{};
};
PROCONSUL_DECLARE_TYPE(IngressServiceConfig)

struct IngressService {
  std::string Name{};
  base::List<std::string> Hosts{};
  base::Pointer<GatewayServiceTLSConfig> TLS{};
  base::Pointer<HTTPHeaderModifiers> RequestHeaders{};
  base::Pointer<HTTPHeaderModifiers> ResponseHeaders{};
  std::uint32_t MaxConnections{};
  std::uint32_t MaxPendingRequests{};
  std::uint32_t MaxConcurrentRequests{};
  base::Pointer<catalog::PassiveHealthCheck> PassiveHealthCheck{};
  base::Map<std::string> Meta{};
};
PROCONSUL_DECLARE_TYPE(IngressService)

struct IngressListener {
  base::Int Port{};
  std::string Protocol{};
  base::Pointer<GatewayTLSConfig> TLS{};
  base::List<IngressService> Services{};
};
PROCONSUL_DECLARE_TYPE(IngressListener)

/// ingress-gateway: what may come in from outside the mesh.
struct IngressGatewayConfigEntry : ConfigEntry {
  GatewayTLSConfig TLS{};
  base::List<IngressListener> Listeners{};
  base::Pointer<IngressServiceConfig> Defaults{};
};
PROCONSUL_DECLARE_TYPE(IngressGatewayConfigEntry)

struct LinkedService {
  std::string Name{};
  std::string CAFile{};
  std::string CertFile{};
  std::string KeyFile{};
  std::string SNI{};
  bool DisableAutoHostRewrite{};
};
PROCONSUL_DECLARE_TYPE(LinkedService)

/// terminating-gateway: what may go out of the mesh.
struct TerminatingGatewayConfigEntry : ConfigEntry {
  base::List<LinkedService> Services{};
};
PROCONSUL_DECLARE_TYPE(TerminatingGatewayConfigEntry)

struct APIGatewayTLSConfiguration {
  base::List<ResourceReference> Certificates{};
  std::string MaxVersion{};
  std::string MinVersion{};
  base::List<std::string> CipherSuites{};
};
PROCONSUL_DECLARE_TYPE(APIGatewayTLSConfiguration)

struct APIGatewayJWTRequirement {};
PROCONSUL_DECLARE_TYPE(APIGatewayJWTRequirement)

struct APIGatewayPolicy {
  base::Pointer<APIGatewayJWTRequirement> JWT{};
};
PROCONSUL_DECLARE_TYPE(APIGatewayPolicy)

struct APIGatewayListener {
  std::string Name{};
  std::string Hostname{};
  base::Int Port{};
  std::string Protocol{};
  APIGatewayTLSConfiguration TLS{};
  base::Pointer<APIGatewayPolicy> Override{};
  base::Pointer<APIGatewayPolicy> Default{};
};
PROCONSUL_DECLARE_TYPE(APIGatewayListener)

/// api-gateway: the listeners that routes are bound to.
struct APIGatewayConfigEntry : ConfigEntry {
  base::List<APIGatewayListener> Listeners{};
  EntryStatus Status{};
};
PROCONSUL_DECLARE_TYPE(APIGatewayConfigEntry)

struct BoundAPIGatewayListener {
  std::string Name{};
  base::List<ResourceReference> Routes{};
  base::List<ResourceReference> Certificates{};
};
PROCONSUL_DECLARE_TYPE(BoundAPIGatewayListener)

/// bound-api-gateway: what is bound to a gateway; written by its controller only.
struct BoundAPIGatewayConfigEntry : ConfigEntry {
  base::List<BoundAPIGatewayListener> Listeners{};
  base::Map<base::List<ResourceReference>> Services{};
};
PROCONSUL_DECLARE_TYPE(BoundAPIGatewayConfigEntry)

/// file-system-certificate: paths on the host of the gateway.
struct FileSystemCertificateConfigEntry : ConfigEntry {
  std::string Certificate{};
  std::string PrivateKey{};
};
PROCONSUL_DECLARE_TYPE(FileSystemCertificateConfigEntry)

/// inline-certificate: PEM.
struct InlineCertificateConfigEntry : ConfigEntry {
  std::string Certificate{};
  std::string PrivateKey{};
};
PROCONSUL_DECLARE_TYPE(InlineCertificateConfigEntry)

}  // namespace proconsul::catalog
