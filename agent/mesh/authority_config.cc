#include "agent/mesh/authority_config.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "agent/auth/config_reader.h"
#include "base/quote.h"
#include "base/uuid.h"

namespace proconsul::agent::mesh {

using base::Duration;
using base::Errc;
using base::Result;

namespace {

constexpr Duration kHour = base::seconds(3600);
constexpr Duration kShortestLeaf = kHour;
constexpr Duration kLongestLeaf = base::seconds(std::int64_t{365} * 24 * 3600);
/// How often it is looked whether an intermediate is to be renewed; it must live through several of them.
constexpr Duration kRenewalInterval = kHour;

Result<AuthorityConfig> read(const base::Map<base::Value>& config, AuthorityConfig read) {
  auth::ConfigReader reader(config);
  reader.read_written("LeafCertTTL", read.leaf_ttl);
  reader.read_written("IntermediateCertTTL", read.intermediate_ttl);
  reader.read_written("RootCertTTL", read.root_ttl);
  reader.read("SkipValidate", read.skip_validate);
  reader.read("CSRMaxPerSecond", read.csr_max_per_second);
  reader.read("CSRMaxConcurrent", read.csr_max_concurrent);
  reader.read("PrivateKeyType", read.private_key_type);
  reader.read("PrivateKeyBits", read.private_key_bits);
  reader.read("PrivateKey", read.private_key);
  reader.read("RootCert", read.root_cert);
  reader.read("DisableCrossSigning", read.disable_cross_signing);
  if (Result<> decoded = reader.finish(auth::ConfigReader::Unknown::kept); !decoded) return decoded.error();
  return read;
}

/// Both factors are below 2^61.
Duration times(std::int64_t factor, Duration duration) {
  return {factor * duration.nanoseconds};
}

Result<> validate(const AuthorityConfig& config) {
  if (config.skip_validate) return {};
  if (config.root_ttl < config.intermediate_ttl) {
    return {Errc::internal, "root cert TTL is set and is not greater than intermediate cert ttl. root cert ttl: " +
                                to_string(config.root_ttl) +
                                ", intermediate cert ttl: " + to_string(config.intermediate_ttl)};
  }
  if (config.leaf_ttl < kShortestLeaf) {
    return {Errc::internal, "leaf cert TTL must be greater or equal than " + to_string(kShortestLeaf)};
  }
  if (config.leaf_ttl > kLongestLeaf) {
    return {Errc::internal, "leaf cert TTL must be less than " + to_string(kLongestLeaf)};
  }
  if (config.intermediate_ttl < times(3, kRenewalInterval)) {
    return {Errc::internal, "Intermediate Cert TTL must be greater or equal than 3h"};
  }
  if (config.intermediate_ttl < times(3, config.leaf_ttl)) {
    return {Errc::internal, "Intermediate Cert TTL must be greater or equal than 3 * LeafCertTTL (>=" +
                                to_string(times(3, config.leaf_ttl)) + ")."};
  }
  const std::int64_t bits = config.private_key_bits;
  if (config.private_key_type == "ec") {
    if (bits != 224 && bits != 256 && bits != 384 && bits != 521) {
      return {Errc::internal, "EC key length must be one of (224, 256, 384, 521) bits"};
    }
  } else if (config.private_key_type == "rsa") {
    if (bits != 2048 && bits != 4096) return {Errc::internal, "RSA key length must be 2048 or 4096 bits"};
  } else {
    return {Errc::internal, "private key type must be either 'ec' or 'rsa'"};
  }
  return {};
}

}  // namespace

base::Map<base::Value> with_state_names(const base::Map<base::Value>& config) {
  static constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"address", "Address"},
      {"token", "Token"},
      {"root_pki_path", "RootPKIPath"},
      {"root_pki_namespace", "RootPKINamespace"},
      {"intermediate_pki_path", "IntermediatePKIPath"},
      {"intermediate_pki_namespace", "IntermediatePKINamespace"},
      {"ca_file", "CAFile"},
      {"ca_path", "CAPath"},
      {"cert_file", "CertFile"},
      {"key_file", "KeyFile"},
      {"tls_server_name", "TLSServerName"},
      {"tls_skip_verify", "TLSSkipVerify"},
      {"existing_arn", "ExistingARN"},
      {"delete_on_exit", "DeleteOnExit"},
      {"private_key", "PrivateKey"},
      {"root_cert", "RootCert"},
      {"intermediate_cert_ttl", "IntermediateCertTTL"},
      {"leaf_cert_ttl", "LeafCertTTL"},
      {"root_cert_ttl", "RootCertTTL"},
      {"csr_max_per_second", "CSRMaxPerSecond"},
      {"csr_max_concurrent", "CSRMaxConcurrent"},
      {"private_key_type", "PrivateKeyType"},
      {"private_key_bits", "PrivateKeyBits"},
  };
  base::Map<base::Value> named;
  named.make_present();
  for (const auto& [key, value] : config) {
    const auto known =
        std::ranges::find(kNames, std::string_view(key), &std::pair<std::string_view, std::string_view>::first);
    // Beside the state's own name the file's counts for nothing.
    if (known == std::end(kNames)) {
      named.insert_or_assign(key, value);
    } else {
      named.try_emplace(std::string(known->second), value);
    }
  }
  return named;
}

Result<AuthorityConfig> read_authority_config(const base::Map<base::Value>& raw) {
  Result<AuthorityConfig> config = read(raw, {});
  if (!config) return config;
  if (config->private_key.empty() && !config->root_cert.empty()) {
    return {Errc::internal, "must provide a private key when providing a root cert"};
  }
  if (Result<> valid = validate(*config); !valid) return valid.error();
  return config;
}

Result<AuthorityConfig> read_common_config(const base::Map<base::Value>& raw) {
  return read(raw, {});
}

Result<> check_vault_config(const base::Map<base::Value>& raw, bool primary) {
  std::string token, root_path, intermediate_path;
  auth::ConfigReader reader(raw);
  reader.read("Token", token);
  reader.read("RootPKIPath", root_path);
  reader.read("IntermediatePKIPath", intermediate_path);
  if (Result<> decoded = reader.finish(auth::ConfigReader::Unknown::kept); !decoded) return decoded;
  const bool has_method = raw.contains("auth_method") || raw.contains("AuthMethod");
  if (token.empty() && !has_method) {
    return {Errc::internal, "must provide a Vault token or configure a Vault auth method"};
  }
  if (!token.empty() && has_method) {
    return {Errc::internal, "only one of Vault token or Vault auth method can be provided, but not both"};
  }
  if (primary && root_path.empty()) return {Errc::internal, "must provide a valid path to a root PKI backend"};
  if (intermediate_path.empty()) {
    return {Errc::internal, "must provide a valid path for the intermediate PKI backend"};
  }
  const Result<AuthorityConfig> common = read(raw, {});
  return common ? validate(*common) : Result<>(common.error());
}

Result<> check_provider(std::string_view provider) {
  if (provider == kBuiltinProvider) return {};
  if (provider == "vault" || provider == "aws-pca") {
    return {Errc::internal,
            "CA provider " + base::quote(provider) + " is not built into this agent: use \"consul\", the built-in one"};
  }
  return {Errc::internal, "unknown CA provider " + base::quote(provider)};
}

Result<catalog::CAConfiguration> initial_configuration(std::string_view provider,
                                                       const base::Map<base::Value>& config) {
  catalog::CAConfiguration initial{};
  initial.Provider = provider.empty() ? kBuiltinProvider : provider;
  initial.Config.make_present();
  initial.Config["LeafCertTTL"] = "72h";
  initial.Config["IntermediateCertTTL"] = "8760h";
  initial.Config["RootCertTTL"] = "87600h";
  if (const auto id = config.find("cluster_id"); id != config.end()) {
    const std::string* text = id->second.as_string();
    if (text == nullptr) return {Errc::invalid_argument, "cluster_id was supplied but was not a string"};
    if (!base::parse_uuid(*text)) {
      return {Errc::invalid_argument, "cluster_id was supplied but was not a valid UUID"};
    }
    initial.ClusterID = *text;
  }
  for (const auto& [key, value] : config) initial.Config.insert_or_assign(key, value);
  return initial;
}

}  // namespace proconsul::agent::mesh
