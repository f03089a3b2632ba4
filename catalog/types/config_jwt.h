// Where the keys of tokens come from that intentions ask for: jwt-provider.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "base/type.h"
#include "catalog/types/config_entry.h"

namespace proconsul::catalog {

struct JWTLocationHeader {
  std::string Name{};
  std::string ValuePrefix{};
  bool Forward{};
};
PROCONSUL_DECLARE_TYPE(JWTLocationHeader)

struct JWTLocationQueryParam {
  std::string Name{};
};
PROCONSUL_DECLARE_TYPE(JWTLocationQueryParam)

struct JWTLocationCookie {
  std::string Name{};
};
PROCONSUL_DECLARE_TYPE(JWTLocationCookie)

struct JWTLocation {
  base::Pointer<JWTLocationHeader> Header{};
  base::Pointer<JWTLocationQueryParam> QueryParam{};
  base::Pointer<JWTLocationCookie> Cookie{};
};
PROCONSUL_DECLARE_TYPE(JWTLocation)

struct JWTForwardingConfig {
  std::string HeaderName{};
  bool PadForwardPayloadHeader{};
};
PROCONSUL_DECLARE_TYPE(JWTForwardingConfig)

struct LocalJWKS {
  std::string JWKS{};  // base64
  std::string Filename{};
};
PROCONSUL_DECLARE_TYPE(LocalJWKS)

struct RetryPolicyBackOff {
  base::Duration BaseInterval{};
  base::Duration MaxInterval{};
};
PROCONSUL_DECLARE_TYPE(RetryPolicyBackOff)

struct JWKSRetryPolicy {
  base::Int NumRetries{};
  base::Pointer<catalog::RetryPolicyBackOff> RetryPolicyBackOff{};
};
PROCONSUL_DECLARE_TYPE(JWKSRetryPolicy)

struct JWKSTLSCertTrustedCA {
  std::string Filename{};
  std::string EnvironmentVariable{};
  std::string InlineString{};
  base::Bytes InlineBytes{};
};
PROCONSUL_DECLARE_TYPE(JWKSTLSCertTrustedCA)

struct JWKSTLSCertProviderInstance {
  std::string InstanceName{};
  std::string CertificateName{};
};
PROCONSUL_DECLARE_TYPE(JWKSTLSCertProviderInstance)

struct JWKSTLSCertificate {
  base::Pointer<JWKSTLSCertProviderInstance> CaCertificateProviderInstance{};
  base::Pointer<JWKSTLSCertTrustedCA> TrustedCA{};
};
PROCONSUL_DECLARE_TYPE(JWKSTLSCertificate)

struct JWKSCluster {
  std::string DiscoveryType{};
  base::Pointer<JWKSTLSCertificate> TLSCertificates{};
  base::Duration ConnectTimeout{};
};
PROCONSUL_DECLARE_TYPE(JWKSCluster)

struct RemoteJWKS {
  std::string URI{};
  base::Int RequestTimeoutMs{};
  base::Duration CacheDuration{};
  bool FetchAsynchronously{};
  bool UseSNI{};
  base::Pointer<JWKSRetryPolicy> RetryPolicy{};
  base::Pointer<catalog::JWKSCluster> JWKSCluster{};
};
PROCONSUL_DECLARE_TYPE(RemoteJWKS)

struct JSONWebKeySet {
  base::Pointer<LocalJWKS> Local{};
  base::Pointer<RemoteJWKS> Remote{};
};
PROCONSUL_DECLARE_TYPE(JSONWebKeySet)

struct JWTCacheConfig {
  base::Int Size{};
};
PROCONSUL_DECLARE_TYPE(JWTCacheConfig)

/// jwt-provider.
struct JWTProviderConfigEntry : ConfigEntry {
  base::Pointer<catalog::JSONWebKeySet> JSONWebKeySet{};
  std::string Issuer{};
  base::List<std::string> Audiences{};
  base::List<base::Pointer<JWTLocation>> Locations{};
  base::Pointer<JWTForwardingConfig> Forwarding{};
  base::Int ClockSkewSeconds{};
  base::Pointer<JWTCacheConfig> CacheConfig{};
};
PROCONSUL_DECLARE_TYPE(JWTProviderConfigEntry)

}  // namespace proconsul::catalog
