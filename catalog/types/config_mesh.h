// What concerns the whole mesh: mesh, exported-services and sameness-group.
#pragma once

#include <cstdint>
#include <string>

#include "base/type.h"
#include "catalog/types/config_entry.h"

namespace proconsul::catalog {

struct TransparentProxyMeshConfig {
  bool MeshDestinationsOnly{};
};
PROCONSUL_DECLARE_TYPE(TransparentProxyMeshConfig)

struct MeshDirectionalTLSConfig {
  std::string TLSMinVersion{};
  std::string TLSMaxVersion{};
  base::List<std::string> CipherSuites{};
};
PROCONSUL_DECLARE_TYPE(MeshDirectionalTLSConfig)

struct MeshTLSConfig {
  base::Pointer<MeshDirectionalTLSConfig> Incoming{};
  base::Pointer<MeshDirectionalTLSConfig> Outgoing{};
};
PROCONSUL_DECLARE_TYPE(MeshTLSConfig)

struct RequestNormalizationMeshConfig {
  bool InsecureDisablePathNormalization{};
  bool MergeSlashes{};
  std::string PathWithEscapedSlashesAction{};
  std::string HeadersWithUnderscoresAction{};
};
PROCONSUL_DECLARE_TYPE(RequestNormalizationMeshConfig)

struct MeshDirectionalHTTPConfig {
  base::Pointer<RequestNormalizationMeshConfig> RequestNormalization{};
};
PROCONSUL_DECLARE_TYPE(MeshDirectionalHTTPConfig)

struct MeshHTTPConfig {
  bool SanitizeXForwardedClientCert{};
  base::Pointer<MeshDirectionalHTTPConfig> Incoming{};
};
PROCONSUL_DECLARE_TYPE(MeshHTTPConfig)

struct PeeringMeshConfig {
  bool PeerThroughMeshGateways{};
};
PROCONSUL_DECLARE_TYPE(PeeringMeshConfig)

/// mesh: there is one, and it has no name.
struct MeshConfigEntry : ConfigEntry {
  TransparentProxyMeshConfig TransparentProxy{};
  bool AllowEnablingPermissiveMutualTLS{};
  bool ValidateClusters{};
  base::Pointer<MeshTLSConfig> TLS{};
  base::Pointer<MeshHTTPConfig> HTTP{};
  base::Pointer<PeeringMeshConfig> Peering{};
};
PROCONSUL_DECLARE_TYPE(MeshConfigEntry)

struct ServiceConsumer {
  std::string Partition{};
  std::string Peer{};
  std::string SamenessGroup{};
};
PROCONSUL_DECLARE_TYPE(ServiceConsumer)

struct ExportedService {
  std::string Name{};
  std::string Namespace{};
  base::List<ServiceConsumer> Consumers{};
};
PROCONSUL_DECLARE_TYPE(ExportedService)

/// exported-services: what peers may call; there is one, named default.
struct ExportedServicesConfigEntry : ConfigEntry {
  base::List<ExportedService> Services{};
};
PROCONSUL_DECLARE_TYPE(ExportedServicesConfigEntry)

struct SamenessGroupMember {
  std::string Partition{};
  std::string Peer{};
};
PROCONSUL_DECLARE_TYPE(SamenessGroupMember)

/// sameness-group: known, but refused, since this edition has none.
struct SamenessGroupConfigEntry : ConfigEntry {
  bool DefaultForFailover{};
  bool IncludeLocal{};
  base::List<SamenessGroupMember> Members{};
};
PROCONSUL_DECLARE_TYPE(SamenessGroupConfigEntry)

}  // namespace proconsul::catalog
