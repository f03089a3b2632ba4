#include "agent/start_rules.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "agent/tls_settings.h"

namespace proconsul::agent {
namespace {

using base::Errc;
using base::Result;

constexpr std::int64_t kProtocolMin = 2, kProtocolMax = 3;

template <std::size_t N>
bool is_one_of(const std::string& value, const std::array<std::string_view, N>& known) {
  return std::ranges::find(known, value) != known.end();
}

Result<> check_values(const config::Config& config) {
  if (const std::int64_t protocol = config.rpc_protocol; protocol < kProtocolMin || protocol > kProtocolMax) {
    return {Errc::invalid_argument, "Protocol version '" + std::to_string(protocol) + "' too " +
                                        (protocol < kProtocolMin ? "low" : "high") + ". Must be in range: [" +
                                        std::to_string(kProtocolMin) + ", " + std::to_string(kProtocolMax) + "]"};
  }
  const config::AclResolver& acl = config.acl_resolver;
  if (!is_one_of<2>(acl.default_policy, {"allow", "deny"})) {
    return {Errc::invalid_argument, "Unsupported default ACL policy: " + acl.default_policy};
  }
  if (!is_one_of<4>(acl.down_policy, {"allow", "deny", "async-cache", "extend-cache"})) {
    return {Errc::invalid_argument, "Unsupported down ACL policy: " + acl.down_policy};
  }
  if (!is_one_of<3>(config.default_intention_policy, {"", "allow", "deny"})) {
    return {Errc::invalid_argument, "Unsupported default intention policy: " + config.default_intention_policy};
  }
  return {};
}

Result<> check_listener(const config::TlsListener& listener, bool auto_tls) {
  const base::net::TlsSettings settings = tls_settings(listener);
  const bool authorities = !settings.ca_file.empty() || !settings.ca_path.empty();
  const bool pair = !settings.cert_file.empty();
  if (authorities || pair) {
    const auto loaded = base::net::TlsContext::client(settings);
    if (!loaded) return loaded.error();
  }
  if (auto_tls) return {};  // the servers tell whom to trust, and give a certificate
  if (listener.verify_incoming && !authorities) {
    return {Errc::invalid_argument, "VerifyIncoming set but no CA certificates were provided"};
  }
  if (listener.verify_incoming && !pair) {
    return {Errc::invalid_argument,
            "VerifyIncoming requires either a Cert and Key pair in the configuration file, or auto_encrypt/auto_config "
            "be enabled"};
  }
  if (listener.verify_outgoing && !authorities) {
    return {Errc::invalid_argument, "VerifyOutgoing set but no CA certificates were provided"};
  }
  return {};
}

/// HTTPS offers HTTP/2, which has one cipher of TLS 1.2 that everybody knows (RFC 9113 section 9.2.2).
Result<> check_h2_suites(const config::TlsListener& https) {
  if (https.cipher_suites.empty() || https.min_version == "TLSv1_3") return {};
  if (std::ranges::any_of(https.cipher_suites, [](const std::string& suite) {
        return is_one_of<2>(suite,
                            {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"});
      })) {
    return {};
  }
  return {Errc::invalid_argument,
          "http2: TLSConfig.CipherSuites is missing an HTTP/2-required AES_128_GCM_SHA256 cipher (need at least one of "
          "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 or TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)"};
}

}  // namespace

Result<> check_certificates(const config::Tls& tls) {
  for (const config::TlsListener* listener : {&tls.grpc, &tls.https, &tls.internal_rpc}) {
    if (Result<> fit = check_listener(*listener, tls.auto_tls); !fit) return fit;
  }
  return {};
}

Result<> check_start(const config::Config& config) {
  if (Result<> valid = check_values(config); !valid) {
    const char* what = config.server_mode ? "server" : "client";
    return {valid.error().code, std::string("Failed to start Consul ") + what + ": " + valid.error().detail};
  }
  if (Result<> fit = check_certificates(config.tls); !fit) return fit;
  return config.https_addrs.empty() ? Result<>() : check_h2_suites(config.tls.https);
}

}  // namespace proconsul::agent
