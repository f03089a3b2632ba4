#include "agent/config/build_tls.h"

#include <set>
#include <string_view>
#include <utility>

namespace proconsul::agent::config {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using base::Value;

Error fail(std::string text) {
  return {Errc::invalid_argument, std::move(text)};
}

class TlsBuilder : SettingsReader {
 public:
  TlsBuilder(const SettingsReader& settings, Config& config) : SettingsReader(settings), config_(config) {}

  Result<> run() {
    Config& c = config_;
    const auto given = [&](const char* listener, const char* key) {
      return at("tls." + std::string(listener) + "." + key) != nullptr;
    };
    if (given("grpc", "verify_outgoing")) return fail("verify_outgoing is not valid in the tls.grpc stanza");
    if (given("grpc", "verify_server_hostname") || given("https", "verify_server_hostname")) {
      return fail("verify_server_hostname is only valid in the tls.defaults and tls.internal_rpc stanzas");
    }
    if (given("defaults", "use_auto_cert") || given("https", "use_auto_cert") ||
        given("internal_rpc", "use_auto_cert")) {
      return fail("use_auto_cert is only valid in the tls.grpc stanza");
    }
    const std::string default_version = tls_version("tls.defaults.tls_min_version");
    const List<std::string> default_suites = cipher_suites("tls.defaults.tls_cipher_suites", default_version);

    const auto listener = [&](const std::string& name) {
      const auto inherited = [&](const char* key) {
        const Value* own = at("tls." + name + "." + key);
        return own != nullptr ? own : at("tls.defaults." + std::string(key));
      };
      TlsListener out;
      out.ca_path = text_or(inherited("ca_path"));
      out.ca_file = text_or(inherited("ca_file"));
      out.cert_file = text_or(inherited("cert_file"));
      out.key_file = text_or(inherited("key_file"));
      out.verify_incoming = boolean_or(inherited("verify_incoming"));
      if (name != "grpc") out.verify_outgoing = boolean_or(inherited("verify_outgoing"));
      out.min_version = at("tls." + name + ".tls_min_version") == nullptr
                            ? default_version
                            : tls_version("tls." + name + ".tls_min_version");
      if (at("tls." + name + ".tls_cipher_suites") == nullptr) {
        if (out.min_version != "TLSv1_3") out.cipher_suites = default_suites;
      } else {
        out.cipher_suites = cipher_suites("tls." + name + ".tls_cipher_suites", out.min_version);
      }
      return out;
    };
    c.tls.internal_rpc = listener("internal_rpc");
    const Value* hostname = at("tls.internal_rpc.verify_server_hostname");
    if (hostname == nullptr) hostname = at("tls.defaults.verify_server_hostname");
    c.tls.internal_rpc.verify_server_hostname = boolean_or(hostname);
    // Whoever wants the server's name checked wants its certificate checked.
    if (c.tls.internal_rpc.verify_server_hostname) c.tls.internal_rpc.verify_outgoing = true;
    c.tls.https = listener("https");
    c.tls.grpc = listener("grpc");
    c.tls.grpc.use_auto_cert = flag("tls.grpc.use_auto_cert");
    c.tls.server_mode = c.server_mode;
    c.tls.server_name = c.server_name;
    c.tls.node_name = c.node_name;
    c.tls.domain = c.dns_domain;
    c.tls.enable_agent_tls_for_checks = c.enable_agent_tls_for_checks;
    c.tls.auto_tls = c.auto_encrypt_tls || c.auto_config.enabled;

    const bool grpc_tls = !c.tls.grpc.cert_file.empty() || (c.tls.auto_tls && c.tls.grpc.use_auto_cert);
    if (grpc_tls && c.grpc_port > 0 && at("ports.grpc_tls") == nullptr) {
      return fail(
          "the `ports.grpc` listener no longer supports TLS. Use `ports.grpc_tls` instead. This message is appearing "
          "because GRPC is configured to use TLS, but `ports.grpc_tls` is not defined");
    }
    return {};
  }

 private:
  std::string tls_version(const std::string& path) {
    const std::string version = text(path);
    if (version.empty()) return "TLS_AUTO";
    for (const char* known : {"TLS_AUTO", "TLSv1_0", "TLSv1_1", "TLSv1_2", "TLSv1_3"}) {
      if (version == known) return version;
    }
    errors_.push_back(path + ": invalid TLS version: no matching TLS version found for " + version +
                      ", please specify one of [TLS_AUTO, TLSv1_0, TLSv1_1, TLSv1_2, TLSv1_3]");
    return "TLS_INVALID";
  }

  List<std::string> cipher_suites(const std::string& path, const std::string& version) {
    List<std::string> out;
    if (at(path) == nullptr) return out;
    if (version == "TLSv1_3") {
      errors_.push_back(path + ": TLS 1.3 cipher suites are not configurable");
      return out;
    }
    out.make_present();
    static const std::set<std::string_view> known = {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
                                                     "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
                                                     "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
                                                     "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
                                                     "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                                                     "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
                                                     "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
                                                     "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                                                     "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
                                                     "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"};
    std::string unmatched;
    std::string rest = trimmed(text(path));
    while (!rest.empty()) {
      const std::size_t comma = rest.find(',');
      std::string suite = rest.substr(0, comma);
      rest = comma == rest.npos ? std::string() : rest.substr(comma + 1);
      if (!known.contains(suite)) unmatched += (unmatched.empty() ? "" : ",") + suite;
      out.push_back(std::move(suite));
    }
    if (!unmatched.empty()) {
      errors_.push_back(path + ": invalid TLS cipher suites: no matching Consul Agent TLS cipher suite found for " +
                        unmatched);
      out.clear();
    }
    return out;
  }

  Config& config_;
};

}  // namespace

Result<> build_tls(const SettingsReader& settings, Config& config) {
  return TlsBuilder(settings, config).run();
}

}  // namespace proconsul::agent::config
