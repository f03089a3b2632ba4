#include "catalog/types/config_mesh.h"

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(TransparentProxyMeshConfig, "structs.TransparentProxyMeshConfig") {
  type.field("MeshDestinationsOnly", &TransparentProxyMeshConfig::MeshDestinationsOnly).alias("mesh_destinations_only");
}

PROCONSUL_DESCRIBE_TYPE(MeshDirectionalTLSConfig, "structs.MeshDirectionalTLSConfig") {
  type.field("TLSMinVersion", &MeshDirectionalTLSConfig::TLSMinVersion)
      .go_type("types.TLSVersion")
      .omit_empty()
      .alias("tls_min_version");
  type.field("TLSMaxVersion", &MeshDirectionalTLSConfig::TLSMaxVersion)
      .go_type("types.TLSVersion")
      .omit_empty()
      .alias("tls_max_version");
  type.field("CipherSuites", &MeshDirectionalTLSConfig::CipherSuites)
      .go_type("[]types.TLSCipherSuite")
      .omit_empty()
      .alias("cipher_suites");
}

PROCONSUL_DESCRIBE_TYPE(MeshTLSConfig, "structs.MeshTLSConfig") {
  type.field("Incoming", &MeshTLSConfig::Incoming).omit_empty();
  type.field("Outgoing", &MeshTLSConfig::Outgoing).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(RequestNormalizationMeshConfig, "structs.RequestNormalizationMeshConfig") {
  type.field("InsecureDisablePathNormalization", &RequestNormalizationMeshConfig::InsecureDisablePathNormalization)
      .alias("insecure_disable_path_normalization");
  type.field("MergeSlashes", &RequestNormalizationMeshConfig::MergeSlashes).alias("merge_slashes");
  type.field("PathWithEscapedSlashesAction", &RequestNormalizationMeshConfig::PathWithEscapedSlashesAction)
      .go_type("structs.PathWithEscapedSlashesAction")
      .alias("path_with_escaped_slashes_action");
  type.field("HeadersWithUnderscoresAction", &RequestNormalizationMeshConfig::HeadersWithUnderscoresAction)
      .go_type("structs.HeadersWithUnderscoresAction")
      .alias("headers_with_underscores_action");
}

PROCONSUL_DESCRIBE_TYPE(MeshDirectionalHTTPConfig, "structs.MeshDirectionalHTTPConfig") {
  type.field("RequestNormalization", &MeshDirectionalHTTPConfig::RequestNormalization)
      .omit_empty()
      .alias("request_normalization");
}

PROCONSUL_DESCRIBE_TYPE(MeshHTTPConfig, "structs.MeshHTTPConfig") {
  type.field("SanitizeXForwardedClientCert", &MeshHTTPConfig::SanitizeXForwardedClientCert)
      .alias("sanitize_x_forwarded_client_cert");
  type.field("Incoming", &MeshHTTPConfig::Incoming).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(PeeringMeshConfig, "structs.PeeringMeshConfig") {
  type.field("PeerThroughMeshGateways", &PeeringMeshConfig::PeerThroughMeshGateways)
      .alias("peer_through_mesh_gateways");
}

PROCONSUL_DESCRIBE_TYPE(MeshConfigEntry, "structs.MeshConfigEntry") {
  type.field("Kind", &MeshConfigEntry::Kind).no_wire();
  type.field("TransparentProxy", &MeshConfigEntry::TransparentProxy).alias("transparent_proxy");
  type.field("AllowEnablingPermissiveMutualTLS", &MeshConfigEntry::AllowEnablingPermissiveMutualTLS)
      .omit_empty()
      .alias("allow_enabling_permissive_mutual_tls");
  type.field("ValidateClusters", &MeshConfigEntry::ValidateClusters).omit_empty().alias("validate_clusters");
  type.field("TLS", &MeshConfigEntry::TLS).omit_empty();
  type.field("HTTP", &MeshConfigEntry::HTTP).omit_empty();
  type.field("Peering", &MeshConfigEntry::Peering).omit_empty();
  type.field("Meta", &MeshConfigEntry::Meta).omit_empty();
  type.field("Hash", &MeshConfigEntry::Hash).omit_empty();
  type.embed<RaftIndex>();
}

PROCONSUL_DESCRIBE_TYPE(ServiceConsumer, "structs.ServiceConsumer") {
  type.field("Partition", &ServiceConsumer::Partition).omit_empty();
  type.field("Peer", &ServiceConsumer::Peer).omit_empty().alias("peer_name");
  type.field("SamenessGroup", &ServiceConsumer::SamenessGroup).omit_empty().alias("sameness_group");
}

PROCONSUL_DESCRIBE_TYPE(ExportedService, "structs.ExportedService") {
  type.field("Name", &ExportedService::Name);
  type.field("Namespace", &ExportedService::Namespace).omit_empty();
  type.field("Consumers", &ExportedService::Consumers).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(ExportedServicesConfigEntry, "structs.ExportedServicesConfigEntry") {
  type.field("Kind", &ExportedServicesConfigEntry::Kind).no_wire();
  type.field("Name", &ExportedServicesConfigEntry::Name);
  type.field("Services", &ExportedServicesConfigEntry::Services).omit_empty();
  type.field("Meta", &ExportedServicesConfigEntry::Meta).omit_empty();
  type.field("Hash", &ExportedServicesConfigEntry::Hash).omit_empty();
  type.embed<RaftIndex>();
}

PROCONSUL_DESCRIBE_TYPE(SamenessGroupMember, "structs.SamenessGroupMember") {
  type.field("Partition", &SamenessGroupMember::Partition).omit_empty();
  type.field("Peer", &SamenessGroupMember::Peer).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(SamenessGroupConfigEntry, "structs.SamenessGroupConfigEntry") {
  type.field("Kind", &SamenessGroupConfigEntry::Kind).no_wire();
  type.field("Name", &SamenessGroupConfigEntry::Name);
  type.field("DefaultForFailover", &SamenessGroupConfigEntry::DefaultForFailover)
      .omit_empty()
      .alias("default_for_failover");
  type.field("IncludeLocal", &SamenessGroupConfigEntry::IncludeLocal).omit_empty().alias("include_local");
  type.field("Members", &SamenessGroupConfigEntry::Members);
  type.field("Meta", &SamenessGroupConfigEntry::Meta).omit_empty();
  type.field("Hash", &SamenessGroupConfigEntry::Hash).omit_empty();
  type.embed<RaftIndex>();
}

}  // namespace proconsul::catalog
