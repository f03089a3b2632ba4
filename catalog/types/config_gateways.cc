#include "catalog/types/config_gateways.h"

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(GatewayTLSSDSConfig, "structs.GatewayTLSSDSConfig") {
  type.field("ClusterName", &GatewayTLSSDSConfig::ClusterName).omit_empty().alias("cluster_name");
  type.field("CertResource", &GatewayTLSSDSConfig::CertResource).omit_empty().alias("cert_resource");
}

PROCONSUL_DESCRIBE_TYPE(GatewayTLSConfig, "structs.GatewayTLSConfig") {
  type.field("Enabled", &GatewayTLSConfig::Enabled);
  type.field("SDS", &GatewayTLSConfig::SDS).omit_empty();
  type.field("TLSMinVersion", &GatewayTLSConfig::TLSMinVersion)
      .go_type("types.TLSVersion")
      .omit_empty()
      .alias("tls_min_version");
  type.field("TLSMaxVersion", &GatewayTLSConfig::TLSMaxVersion)
      .go_type("types.TLSVersion")
      .omit_empty()
      .alias("tls_max_version");
  type.field("CipherSuites", &GatewayTLSConfig::CipherSuites)
      .go_type("[]types.TLSCipherSuite")
      .omit_empty()
      .alias("cipher_suites");
}

PROCONSUL_DESCRIBE_TYPE(GatewayServiceTLSConfig, "structs.GatewayServiceTLSConfig") {
  type.field("SDS", &GatewayServiceTLSConfig::SDS).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(IngressServiceConfig, "structs.IngressServiceConfig") {
  type.field("MaxConnections", &IngressServiceConfig::MaxConnections);
  type.field("MaxPendingRequests", &IngressServiceConfig::MaxPendingRequests);
  type.field("MaxConcurrentRequests", &IngressServiceConfig::MaxConcurrentRequests);
  type.field("PassiveHealthCheck", &IngressServiceConfig::PassiveHealthCheck)
      .omit_empty()
      .alias("passive_health_check");
}

PROCONSUL_DESCRIBE_TYPE(IngressService, "structs.IngressService") {
  type.field("Name", &IngressService::Name);
  type.field("Hosts", &IngressService::Hosts);
  type.field("TLS", &IngressService::TLS).omit_empty();
  type.field("RequestHeaders", &IngressService::RequestHeaders).omit_empty().alias("request_headers");
  type.field("ResponseHeaders", &IngressService::ResponseHeaders).omit_empty().alias("response_headers");
  type.field("MaxConnections", &IngressService::MaxConnections).omit_empty().alias("max_connections");
  type.field("MaxPendingRequests", &IngressService::MaxPendingRequests).omit_empty().alias("max_pending_requests");
  type.field("MaxConcurrentRequests", &IngressService::MaxConcurrentRequests)
      .omit_empty()
      .alias("max_concurrent_requests");
  type.field("PassiveHealthCheck", &IngressService::PassiveHealthCheck).omit_empty().alias("passive_health_check");
  type.field("Meta", &IngressService::Meta).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(IngressListener, "structs.IngressListener") {
  type.field("Port", &IngressListener::Port);
  type.field("Protocol", &IngressListener::Protocol);
  type.field("TLS", &IngressListener::TLS).omit_empty();
  type.field("Services", &IngressListener::Services);
}

PROCONSUL_DESCRIBE_TYPE(IngressGatewayConfigEntry, "structs.IngressGatewayConfigEntry") {
  type.field("Kind", &IngressGatewayConfigEntry::Kind);
  type.field("Name", &IngressGatewayConfigEntry::Name);
  type.field("TLS", &IngressGatewayConfigEntry::TLS);
  type.field("Listeners", &IngressGatewayConfigEntry::Listeners);
  type.field("Defaults", &IngressGatewayConfigEntry::Defaults).omit_empty();
  type.field("Meta", &IngressGatewayConfigEntry::Meta).omit_empty();
  type.field("Hash", &IngressGatewayConfigEntry::Hash).omit_empty();
  type.embed<RaftIndex>();
}

PROCONSUL_DESCRIBE_TYPE(LinkedService, "structs.LinkedService") {
  type.field("Name", &LinkedService::Name).omit_empty();
  type.field("CAFile", &LinkedService::CAFile).omit_empty().alias("ca_file");
  type.field("CertFile", &LinkedService::CertFile).omit_empty().alias("cert_file");
  type.field("KeyFile", &LinkedService::KeyFile).omit_empty().alias("key_file");
  type.field("SNI", &LinkedService::SNI).omit_empty();
  type.field("DisableAutoHostRewrite", &LinkedService::DisableAutoHostRewrite).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(TerminatingGatewayConfigEntry, "structs.TerminatingGatewayConfigEntry") {
  type.field("Kind", &TerminatingGatewayConfigEntry::Kind);
  type.field("Name", &TerminatingGatewayConfigEntry::Name);
  type.field("Services", &TerminatingGatewayConfigEntry::Services);
  type.field("Meta", &TerminatingGatewayConfigEntry::Meta).omit_empty();
  type.field("Hash", &TerminatingGatewayConfigEntry::Hash).omit_empty();
  type.embed<RaftIndex>();
}

PROCONSUL_DESCRIBE_TYPE(APIGatewayTLSConfiguration, "structs.APIGatewayTLSConfiguration") {
  type.field("Certificates", &APIGatewayTLSConfiguration::Certificates);
  type.field("MaxVersion", &APIGatewayTLSConfiguration::MaxVersion).go_type("types.TLSVersion");
  type.field("MinVersion", &APIGatewayTLSConfiguration::MinVersion).go_type("types.TLSVersion");
  type.field("CipherSuites", &APIGatewayTLSConfiguration::CipherSuites).go_type("[]types.TLSCipherSuite");
}

PROCONSUL_DESCRIBE_TYPE(APIGatewayJWTRequirement, "structs.APIGatewayJWTRequirement") {}

PROCONSUL_DESCRIBE_TYPE(APIGatewayPolicy, "structs.APIGatewayPolicy") {
  type.field("JWT", &APIGatewayPolicy::JWT).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(APIGatewayListener, "structs.APIGatewayListener") {
  type.field("Name", &APIGatewayListener::Name);
  type.field("Hostname", &APIGatewayListener::Hostname);
  type.field("Port", &APIGatewayListener::Port);
  type.field("Protocol", &APIGatewayListener::Protocol).go_type("structs.APIGatewayListenerProtocol");
  type.field("TLS", &APIGatewayListener::TLS);
  type.field("Override", &APIGatewayListener::Override).omit_empty();
  type.field("Default", &APIGatewayListener::Default).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(APIGatewayConfigEntry, "structs.APIGatewayConfigEntry") {
  type.field("Kind", &APIGatewayConfigEntry::Kind);
  type.field("Name", &APIGatewayConfigEntry::Name);
  type.field("Listeners", &APIGatewayConfigEntry::Listeners);
  type.field("Status", &APIGatewayConfigEntry::Status);
  type.field("Meta", &APIGatewayConfigEntry::Meta).omit_empty();
  type.field("Hash", &APIGatewayConfigEntry::Hash).omit_empty();
  type.embed<RaftIndex>();
}

PROCONSUL_DESCRIBE_TYPE(BoundAPIGatewayListener, "structs.BoundAPIGatewayListener") {
  type.field("Name", &BoundAPIGatewayListener::Name);
  type.field("Routes", &BoundAPIGatewayListener::Routes);
  type.field("Certificates", &BoundAPIGatewayListener::Certificates);
}

PROCONSUL_DESCRIBE_TYPE(BoundAPIGatewayConfigEntry, "structs.BoundAPIGatewayConfigEntry") {
  type.field("Kind", &BoundAPIGatewayConfigEntry::Kind);
  type.field("Name", &BoundAPIGatewayConfigEntry::Name);
  type.field("Listeners", &BoundAPIGatewayConfigEntry::Listeners);
  type.field("Services", &BoundAPIGatewayConfigEntry::Services).go_type("structs.ServiceRouteReferences");
  type.field("Meta", &BoundAPIGatewayConfigEntry::Meta).omit_empty();
  type.field("Hash", &BoundAPIGatewayConfigEntry::Hash).omit_empty();
  type.embed<RaftIndex>();
}

PROCONSUL_DESCRIBE_TYPE(FileSystemCertificateConfigEntry, "structs.FileSystemCertificateConfigEntry") {
  type.field("Kind", &FileSystemCertificateConfigEntry::Kind);
  type.field("Name", &FileSystemCertificateConfigEntry::Name);
  type.field("Certificate", &FileSystemCertificateConfigEntry::Certificate);
  type.field("PrivateKey", &FileSystemCertificateConfigEntry::PrivateKey);
  type.field("Meta", &FileSystemCertificateConfigEntry::Meta).omit_empty();
  type.field("Hash", &FileSystemCertificateConfigEntry::Hash).omit_empty();
  type.embed<RaftIndex>();
}

PROCONSUL_DESCRIBE_TYPE(InlineCertificateConfigEntry, "structs.InlineCertificateConfigEntry") {
  type.field("Kind", &InlineCertificateConfigEntry::Kind);
  type.field("Name", &InlineCertificateConfigEntry::Name);
  type.field("Certificate", &InlineCertificateConfigEntry::Certificate);
  type.field("PrivateKey", &InlineCertificateConfigEntry::PrivateKey);
  type.field("Meta", &InlineCertificateConfigEntry::Meta).omit_empty();
  type.field("Hash", &InlineCertificateConfigEntry::Hash).omit_empty();
  type.embed<RaftIndex>();
}

}  // namespace proconsul::catalog
