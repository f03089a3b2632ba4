// Makes the certificates by which agents know one another over TLS: ECDSA P-256 keys, SHA-256 signatures.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace proconsul::agent::cli {

/// A certificate and its private key, both in PEM.
struct CertificatePair {
  std::string certificate{};
  std::string key{};
};

struct AuthorityOptions {
  std::string common_name{};  // empty: "Consul Agent CA " and the serial number
  long days{};
  std::vector<std::string> permitted_dns_domains{};  // X.509 name constraints; none: no constraint
  std::string uri{};                                 // an alternative name; empty: none
};
base::Result<CertificatePair> make_authority(const AuthorityOptions& options);

struct CertificateOptions {
  std::string common_name{};
  long days{};
  long seconds{};  // instead of days, for what is soon over; then it holds from a minute ago, as clocks differ
  std::vector<std::string> dns_names{};
  std::vector<std::string> ip_addresses{};
  bool for_server{};  // extended usages; with neither there is no such extension
  bool for_client{};
  bool client_first{};  // of both usages
};
/// Signs a new certificate by the authority in `authority` (PEM; its first certificate and key count), and checks that
/// it holds for its common name.
base::Result<CertificatePair> make_certificate(const CertificatePair& authority, const CertificateOptions& options);

}  // namespace proconsul::agent::cli
