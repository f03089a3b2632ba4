// mesh, exported-services and jwt-provider.
#include <set>

#include "base/base64.h"
#include "base/quote.h"
#include "catalog/config_entry/rules.h"
#include "catalog/types/config_jwt.h"
#include "catalog/types/config_mesh.h"

namespace proconsul::catalog::rules {

using base::quote;
using base::Result;

namespace {

// ---- mesh ----

Result<> check_tls_of(const base::Pointer<MeshDirectionalTLSConfig>& tls, const std::string& direction) {
  if (!tls) return {};
  Result<> checked = check_tls(tls->TLSMinVersion, tls->TLSMaxVersion, tls->CipherSuites);
  if (checked) return {};
  return wrong("error in " + direction + " TLS configuration: " + checked.error().detail);
}

Result<> check_word(const std::string& word, const std::string& field, const std::vector<std::string>& words) {
  std::string all;
  for (const std::string& each : words) {
    if (word == each) return {};
    all += (all.empty() ? "" : ", ") + each;
  }
  if (word.empty()) return {};
  return wrong("error in HTTP incoming request normalization configuration: no matching " + field +
               " value found for " + word + ", please specify one of [" + all + "]");
}

Result<> check_normalization(const RequestNormalizationMeshConfig& config) {
  Result<> checked = check_word(config.PathWithEscapedSlashesAction, "PathWithEscapedSlashesAction",
                                {"IMPLEMENTATION_SPECIFIC_DEFAULT", "KEEP_UNCHANGED", "REJECT_REQUEST",
                                 "UNESCAPE_AND_REDIRECT", "UNESCAPE_AND_FORWARD"});
  if (!checked) return checked;
  return check_word(config.HeadersWithUnderscoresAction, "HeadersWithUnderscoresAction",
                    {"ALLOW", "REJECT_REQUEST", "DROP_HEADER"});
}

// ---- jwt-provider ----

Result<> check_local(const LocalJWKS& keys) {
  if (keys.Filename.empty() == keys.JWKS.empty()) {
    return wrong("must specify exactly one of String or filename for local keyset");
  }
  if (keys.JWKS.empty() || base::from_base64(keys.JWKS)) return {};
  return wrong("JWKS must be valid base64 encoded string");
}

Result<> check_cluster(const JWKSCluster& cluster) {
  static const std::set<std::string_view> kTypes = {"", "STATIC", "STRICT_DNS", "LOGICAL_DNS", "EDS", "ORIGINAL_DST"};
  if (!kTypes.contains(cluster.DiscoveryType)) {
    return wrong("unsupported jwks cluster discovery type: " + quote(cluster.DiscoveryType));
  }
  if (!cluster.TLSCertificates) return {};
  const JWKSTLSCertificate& certificates = *cluster.TLSCertificates;
  if (static_cast<bool>(certificates.CaCertificateProviderInstance) == static_cast<bool>(certificates.TrustedCA)) {
    return wrong("must specify exactly one of: CaCertificateProviderInstance or TrustedCA for JKWS' TLSCertificates");
  }
  if (!certificates.TrustedCA) return {};
  const JWKSTLSCertTrustedCA& trusted = *certificates.TrustedCA;
  const int given = !trusted.Filename.empty() + !trusted.EnvironmentVariable.empty() + !trusted.InlineString.empty() +
                    !trusted.InlineBytes.empty();
  if (given == 1) return {};
  return wrong(
      "must specify exactly one of: Filename, EnvironmentVariable, InlineString or InlineBytes for JWKS' TrustedCA");
}

/// Go's url.ParseRequestURI, as far as texts of one line go: a path, or a scheme and what follows.
bool is_request_uri(const std::string& uri) {
  for (const char c : uri) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  }
  if (uri.starts_with('/')) return true;
  const std::size_t colon = uri.find(':');
  if (colon == std::string::npos || colon == 0) return false;
  for (std::size_t i = 0; i < colon; ++i) {
    const char c = uri[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
    if (!letter && (i == 0 || !other)) return false;
  }
  return uri.compare(colon + 1, 1, "/") == 0;
}

Result<> check_remote(const RemoteJWKS& keys) {
  if (keys.URI.empty()) return wrong("Remote JWKS URI is required");
  if (!is_request_uri(keys.URI)) {
    return wrong("Remote JWKS URI is invalid: parse " + quote(keys.URI) +
                 ": invalid URI for request, uri: " + keys.URI);
  }
  if (keys.RetryPolicy && keys.RetryPolicy->RetryPolicyBackOff) {
    const RetryPolicyBackOff& wait = *keys.RetryPolicy->RetryPolicyBackOff;
    if (wait.MaxInterval != base::Duration{} && wait.BaseInterval > wait.MaxInterval) {
      return wrong("retry policy backoff's MaxInterval should be greater or equal to BaseInterval");
    }
  }
  return keys.JWKSCluster ? check_cluster(*keys.JWKSCluster) : Result<>{};
}

Result<> check_location(const base::Pointer<JWTLocation>& location) {
  const int given = location ? static_cast<bool>(location->Header) + static_cast<bool>(location->QueryParam) +
                                   static_cast<bool>(location->Cookie)
                             : 0;
  if (given != 1) return wrong("must set exactly one of: JWT location header, query param or cookie");
  const auto unnamed = [](const char* what) {
    return wrong(std::string("JWT location ") + what + " name must be specified");
  };
  if (location->Header && location->Header->Name.empty()) return unnamed("header");
  if (location->Cookie && location->Cookie->Name.empty()) return unnamed("cookie");
  if (location->QueryParam && location->QueryParam->Name.empty()) return unnamed("query param");
  return {};
}

// ---- exported-services ----

Result<> check_consumer(const ServiceConsumer& consumer, const std::string& where) {
  if (!consumer.Peer.empty() && !consumer.Partition.empty()) {
    return wrong(where + "must define at most one of Peer, Partition, or SamenessGroup");
  }
  if (consumer.Partition == "*") return wrong(where + "exporting to all partitions (wildcard) is not supported");
  if (consumer.Peer == "*") return wrong(where + "exporting to all peers (wildcard) is not supported");
  return {};
}

}  // namespace

Result<> check(const MeshConfigEntry& entry) {
  if (Result<> checked = check_meta(entry.Meta); !checked) return checked;
  if (entry.TLS) {
    if (Result<> checked = check_tls_of(entry.TLS->Incoming, "incoming"); !checked) return checked;
    if (Result<> checked = check_tls_of(entry.TLS->Outgoing, "outgoing"); !checked) return checked;
  }
  const bool normalizes = entry.HTTP && entry.HTTP->Incoming && entry.HTTP->Incoming->RequestNormalization;
  return normalizes ? check_normalization(*entry.HTTP->Incoming->RequestNormalization) : Result<>{};
}

Result<> check(const ExportedServicesConfigEntry& entry) {
  if (entry.Name != "default") return wrong("exported-services Name must be \"default\"");
  if (Result<> checked = check_meta(entry.Meta); !checked) return checked;
  const auto consumer_at = [](std::size_t i, std::size_t j) {
    return indexed("Services", i) + "." + indexed("Consumers", j) + ": ";
  };
  for (std::size_t i = 0; i < entry.Services.size(); ++i) {
    for (std::size_t j = 0; j < entry.Services[i].Consumers.size(); ++j) {
      const ServiceConsumer& consumer = entry.Services[i].Consumers[j];
      if (!consumer.SamenessGroup.empty()) {
        return wrong(consumer_at(i, j) + "sameness-groups are an enterprise-only feature");
      }
    }
  }
  for (std::size_t i = 0; i < entry.Services.size(); ++i) {
    const ExportedService& service = entry.Services[i];
    const std::string where = indexed("Services", i) + ": ";
    if (service.Name.empty()) return wrong(where + "service name cannot be empty");
    if (service.Consumers.empty()) return wrong(where + "must have at least one consumer");
    for (std::size_t j = 0; j < service.Consumers.size(); ++j) {
      if (Result<> checked = check_consumer(service.Consumers[j], consumer_at(i, j)); !checked) return checked;
    }
  }
  return {};
}

Result<> check(const JWTProviderConfigEntry& entry) {
  if (entry.Name.empty()) return wrong("Name is required");
  if (Result<> checked = check_meta(entry.Meta); !checked) return checked;
  if (!entry.JSONWebKeySet) return wrong("JSONWebKeySet is required");
  const auto& keys = *entry.JSONWebKeySet;
  if (static_cast<bool>(keys.Local) == static_cast<bool>(keys.Remote)) {
    return wrong("must specify exactly one of Local or Remote JSON Web key set");
  }
  if (Result<> checked = keys.Remote ? check_remote(*keys.Remote) : check_local(*keys.Local); !checked) {
    return checked;
  }
  Faults faults;
  for (const auto& location : entry.Locations) faults.add(check_location(location));
  if (Result<> checked = faults.result(); !checked) return checked;
  if (entry.Forwarding && entry.Forwarding->HeaderName.empty()) {
    return wrong("Header name required for forwarding config");
  }
  return {};
}

}  // namespace proconsul::catalog::rules
