#include "catalog/types/config_jwt.h"

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(JWTLocationHeader, "structs.JWTLocationHeader") {
  type.field("Name", &JWTLocationHeader::Name).omit_empty();
  type.field("ValuePrefix", &JWTLocationHeader::ValuePrefix).omit_empty().alias("value_prefix");
  type.field("Forward", &JWTLocationHeader::Forward).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(JWTLocationQueryParam, "structs.JWTLocationQueryParam") {
  type.field("Name", &JWTLocationQueryParam::Name).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(JWTLocationCookie, "structs.JWTLocationCookie") {
  type.field("Name", &JWTLocationCookie::Name).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(JWTLocation, "structs.JWTLocation") {
  type.field("Header", &JWTLocation::Header).omit_empty();
  type.field("QueryParam", &JWTLocation::QueryParam).omit_empty().alias("query_param");
  type.field("Cookie", &JWTLocation::Cookie).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(JWTForwardingConfig, "structs.JWTForwardingConfig") {
  type.field("HeaderName", &JWTForwardingConfig::HeaderName).omit_empty().alias("header_name");
  type.field("PadForwardPayloadHeader", &JWTForwardingConfig::PadForwardPayloadHeader)
      .alias("pad_forward_payload_header");
}

PROCONSUL_DESCRIBE_TYPE(LocalJWKS, "structs.LocalJWKS") {
  type.field("JWKS", &LocalJWKS::JWKS).omit_empty();
  type.field("Filename", &LocalJWKS::Filename).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(RetryPolicyBackOff, "structs.RetryPolicyBackOff") {
  type.field("BaseInterval", &RetryPolicyBackOff::BaseInterval).omit_empty().alias("base_interval");
  type.field("MaxInterval", &RetryPolicyBackOff::MaxInterval).omit_empty().alias("max_interval");
}

PROCONSUL_DESCRIBE_TYPE(JWKSRetryPolicy, "structs.JWKSRetryPolicy") {
  type.field("NumRetries", &JWKSRetryPolicy::NumRetries).omit_empty().alias("num_retries");
  type.field("RetryPolicyBackOff", &JWKSRetryPolicy::RetryPolicyBackOff).omit_empty().alias("retry_policy_back_off");
}

PROCONSUL_DESCRIBE_TYPE(JWKSTLSCertTrustedCA, "structs.JWKSTLSCertTrustedCA") {
  type.field("Filename", &JWKSTLSCertTrustedCA::Filename).omit_empty();
  type.field("EnvironmentVariable", &JWKSTLSCertTrustedCA::EnvironmentVariable)
      .omit_empty()
      .alias("environment_variable");
  type.field("InlineString", &JWKSTLSCertTrustedCA::InlineString).omit_empty().alias("inline_string");
  type.field("InlineBytes", &JWKSTLSCertTrustedCA::InlineBytes).omit_empty().alias("inline_bytes");
}

PROCONSUL_DESCRIBE_TYPE(JWKSTLSCertProviderInstance, "structs.JWKSTLSCertProviderInstance") {
  type.field("InstanceName", &JWKSTLSCertProviderInstance::InstanceName).omit_empty().alias("instance_name");
  type.field("CertificateName", &JWKSTLSCertProviderInstance::CertificateName).omit_empty().alias("certificate_name");
}

PROCONSUL_DESCRIBE_TYPE(JWKSTLSCertificate, "structs.JWKSTLSCertificate") {
  type.field("CaCertificateProviderInstance", &JWKSTLSCertificate::CaCertificateProviderInstance)
      .omit_empty()
      .alias("ca_certificate_provider_instance");
  type.field("TrustedCA", &JWKSTLSCertificate::TrustedCA).omit_empty().alias("trusted_ca");
}

PROCONSUL_DESCRIBE_TYPE(JWKSCluster, "structs.JWKSCluster") {
  type.field("DiscoveryType", &JWKSCluster::DiscoveryType)
      .go_type("structs.ClusterDiscoveryType")
      .omit_empty()
      .alias("discovery_type");
  type.field("TLSCertificates", &JWKSCluster::TLSCertificates).omit_empty().alias("tls_certificates");
  type.field("ConnectTimeout", &JWKSCluster::ConnectTimeout).omit_empty().alias("connect_timeout");
}

PROCONSUL_DESCRIBE_TYPE(RemoteJWKS, "structs.RemoteJWKS") {
  type.field("URI", &RemoteJWKS::URI).omit_empty();
  type.field("RequestTimeoutMs", &RemoteJWKS::RequestTimeoutMs).omit_empty().alias("request_timeout_ms");
  type.field("CacheDuration", &RemoteJWKS::CacheDuration).omit_empty().alias("cache_duration");
  type.field("FetchAsynchronously", &RemoteJWKS::FetchAsynchronously).omit_empty().alias("fetch_asynchronously");
  type.field("UseSNI", &RemoteJWKS::UseSNI).omit_empty().alias("use_sni");
  type.field("RetryPolicy", &RemoteJWKS::RetryPolicy).omit_empty().alias("retry_policy");
  type.field("JWKSCluster", &RemoteJWKS::JWKSCluster).omit_empty().alias("jwks_cluster");
}

PROCONSUL_DESCRIBE_TYPE(JSONWebKeySet, "structs.JSONWebKeySet") {
  type.field("Local", &JSONWebKeySet::Local).omit_empty();
  type.field("Remote", &JSONWebKeySet::Remote).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(JWTCacheConfig, "structs.JWTCacheConfig") {
  type.field("Size", &JWTCacheConfig::Size).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(JWTProviderConfigEntry, "structs.JWTProviderConfigEntry") {
  type.field("Kind", &JWTProviderConfigEntry::Kind).omit_empty();
  type.field("Name", &JWTProviderConfigEntry::Name).omit_empty();
  type.field("JSONWebKeySet", &JWTProviderConfigEntry::JSONWebKeySet).omit_empty().alias("json_web_key_set");
  type.field("Issuer", &JWTProviderConfigEntry::Issuer).omit_empty();
  type.field("Audiences", &JWTProviderConfigEntry::Audiences).omit_empty();
  type.field("Locations", &JWTProviderConfigEntry::Locations).omit_empty();
  type.field("Forwarding", &JWTProviderConfigEntry::Forwarding).omit_empty();
  type.field("ClockSkewSeconds", &JWTProviderConfigEntry::ClockSkewSeconds).omit_empty().alias("clock_skew_seconds");
  type.field("CacheConfig", &JWTProviderConfigEntry::CacheConfig).omit_empty().alias("cache_config");
  type.field("Meta", &JWTProviderConfigEntry::Meta).omit_empty();
  type.field("Hash", &JWTProviderConfigEntry::Hash).omit_empty();
  type.embed<RaftIndex>();
}

}  // namespace proconsul::catalog
