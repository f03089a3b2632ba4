#include "agent/config/build_acl.h"

#include <cstdlib>
#include <optional>
#include <utility>

#include "base/quote.h"

namespace proconsul::agent::config {
namespace {

using base::Value;

class AclBuilder : SettingsReader {
 public:
  AclBuilder(const SettingsReader& settings, Config& config) : SettingsReader(settings), config_(config) {}

  void run() {
    Config& c = config_;
    c.acls_enabled = flag("acl.enabled");
    c.acl_resolver = {.enabled = c.acls_enabled,
                      .datacenter = c.datacenter,
                      .node_name = c.node_name,
                      .policy_ttl = duration("acl.policy_ttl"),
                      .token_ttl = duration("acl.token_ttl"),
                      .role_ttl = duration("acl.role_ttl"),
                      .down_policy = text("acl.down_policy"),
                      .default_policy = text("acl.default_policy")};
    c.acl_tokens = {.data_dir = c.data_dir,
                    .enable_persistence = flag("acl.enable_token_persistence"),
                    .user = text("acl.tokens.default"),
                    .agent = text("acl.tokens.agent"),
                    .agent_recovery = text("acl.tokens.agent_recovery"),
                    .replication = text("acl.tokens.replication"),
                    .config_file_registration = text("acl.tokens.config_file_service_registration"),
                    .dns = text("acl.tokens.dns")};
    c.acl_enable_key_list_policy = flag("acl.enable_key_list_policy");
    c.acl_initial_management_token = text("acl.tokens.initial_management");
    c.acl_token_replication = flag("acl.enable_token_replication");
    c.default_intention_policy = text("default_intention_policy");
    const std::string mode = text("limits.request_limits.mode");
    if (mode.empty() || mode == "disabled" || mode == "permissive" || mode == "enforcing") {
      c.request_limits_mode = mode == "enforcing" ? 2 : mode == "permissive" ? 1 : 0;
    } else {
      errors_.push_back("limits.request_limits.mode: invalid mode: " + base::quote(mode));
    }
    c.request_limits_read_rate = rate("limits.request_limits.read_rate");
    c.request_limits_write_rate = rate("limits.request_limits.write_rate");
    c.auto_encrypt_tls = flag("auto_encrypt.tls");
    c.auto_encrypt_allow_tls = flag("auto_encrypt.allow_tls");
    c.auto_encrypt_dns_san = texts("auto_encrypt.dns_san");
    c.auto_encrypt_ip_san = ip_texts("auto_encrypt.ip_san", "AutoEncrypt.IPSAN");
    c.auto_config = {.enabled = flag("auto_config.enabled"),
                     .intro_token = text("auto_config.intro_token"),
                     .intro_token_file = text("auto_config.intro_token_file"),
                     .server_addresses = expanded("auto_config.server_addresses"),
                     .dns_sans = texts("auto_config.dns_sans"),
                     .ip_sans = ip_texts("auto_config.ip_sans", "auto_config.ip_sans")};
    if (const char* token = std::getenv("CONSUL_INTRO_TOKEN"); token != nullptr && *token != '\0') {
      if (!c.auto_config.intro_token.empty()) {
        warnings_.push_back(
            "Both auto_config.intro_token and the CONSUL_INTRO_TOKEN environment variable are set. Using the value "
            "from the environment variable");
      }
      c.auto_config.intro_token = token;
    }
    authorizer();
  }

 private:
  void authorizer() {
    AutoConfigAuthorizer& out = config_.auto_config.authorizer;
    const std::string block = "auto_config.authorization.static.";
    out.enabled = flag("auto_config.authorization.enabled");
    out.allow_reuse = flag(block + "allow_reuse");
    out.claim_assertions = texts(block + "claim_assertions");
    for (const auto& [name, key] : {std::pair{"BoundAudiences", "bound_audiences"},
                                    {"ClaimMappings", "claim_mappings"},
                                    {"JWTSupportedAlgs", "jwt_supported_algs"},
                                    {"JWTValidationPubKeys", "jwt_validation_pub_keys"},
                                    {"ListClaimMappings", "list_claim_mappings"}}) {
      const Value* value = at(block + key);
      out.method[name] = value != nullptr ? *value : Value();
    }
    for (const auto& [name, key] : {std::pair{"BoundIssuer", "bound_issuer"},
                                    {"JWKSCACert", "jwks_ca_cert"},
                                    {"JWKSURL", "jwks_url"},
                                    {"OIDCDiscoveryCACert", "oidc_discovery_ca_cert"},
                                    {"OIDCDiscoveryURL", "oidc_discovery_url"}}) {
      out.method[name] = text(block + key);
    }
    for (const auto& [name, key] : {std::pair{"ClockSkewLeeway", "clock_skew_leeway"},
                                    {"ExpirationLeeway", "expiration_leeway"},
                                    {"NotBeforeLeeway", "not_before_leeway"}}) {
      out.method[name] = duration(block + key).nanoseconds;
    }
  }

  List<std::string> ip_texts(std::string_view path, const char* shown) {
    List<std::string> out;
    out.make_present();
    for (const std::string& item : texts(path)) {
      if (std::optional<Ip> ip = Ip::parse(item)) {
        out.push_back(ip->to_string());
      } else {
        warnings_.push_back("Cannot parse ip " + base::quote(item) + " from " + shown);
      }
    }
    return out;
  }

  Config& config_;
};

}  // namespace

void build_acl(const SettingsReader& settings, Config& config) {
  AclBuilder(settings, config).run();
}

}  // namespace proconsul::agent::config
