// JSON web tokens: proven with keys of the configuration, of a URL, or of an OpenID provider.
#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "acl/jwt/keys.h"
#include "acl/jwt/mapping.h"
#include "acl/jwt/rules.h"
#include "agent/auth/config_reader.h"
#include "agent/auth/method.h"
#include "agent/auth/remote_keys.h"
#include "agent/auth/web.h"
#include "base/json.h"
#include "base/log.h"
#include "base/quote.h"

namespace proconsul::agent::auth {
namespace {

namespace jwt = acl::jwt;
using base::Errc;
using base::Error;
using base::Result;

/// What selectors see.
struct JwtFields {
  base::Map<std::string> Values{};
  base::Map<base::List<std::string>> Lists{};
};
PROCONSUL_DECLARE_TYPE(JwtFields)
PROCONSUL_DESCRIBE_TYPE(JwtFields, "ssoauth.fieldDetails") {
  type.field("Values", &JwtFields::Values).filter("value");
  type.field("Lists", &JwtFields::Lists).filter("list");
}

/// What a provider says of itself.
struct Provider {
  std::string issuer{};
  std::string jwks_uri{};
  base::List<std::string> algorithms{};
};
PROCONSUL_DECLARE_TYPE(Provider)
PROCONSUL_DESCRIBE_TYPE(Provider, "oidc.providerJSON") {
  type.field("Issuer", &Provider::issuer).json("issuer");
  type.field("JWKSURL", &Provider::jwks_uri).json("jwks_uri");
  type.field("Algorithms", &Provider::algorithms).json("id_token_signing_alg_values_supported");
}

struct JwtConfig {
  std::vector<std::string> algorithms{};
  jwt::Rules rules{};
  jwt::Mapping values{}, lists{};
  std::string discovery_url{}, discovery_ca{};
  std::string jwks_url{}, jwks_ca{};
  std::vector<std::string> public_keys{};
};

Error failed(std::string detail) {
  return {Errc::internal, std::move(detail)};
}

Result<JwtConfig> read_config(const base::Map<base::Value>& config) {
  JwtConfig read;
  ConfigReader reader(config);
  reader.read("JWTSupportedAlgs", read.algorithms);
  reader.read("BoundAudiences", read.rules.audiences);
  reader.read("ClaimMappings", read.values);
  reader.read("ListClaimMappings", read.lists);
  reader.read("OIDCDiscoveryURL", read.discovery_url);
  reader.read("OIDCDiscoveryCACert", read.discovery_ca);
  reader.read("JWKSURL", read.jwks_url);
  reader.read("JWKSCACert", read.jwks_ca);
  reader.read("JWTValidationPubKeys", read.public_keys);
  reader.read("BoundIssuer", read.rules.issuer);
  reader.read("ExpirationLeeway", read.rules.leeways.expiration);
  reader.read("NotBeforeLeeway", read.rules.leeways.not_before);
  reader.read("ClockSkewLeeway", read.rules.leeways.clock_skew);
  if (Result<> done = reader.finish(); !done) return done.error();
  return read;
}

Result<> check_mappings(const jwt::Mapping& mapping, const std::string& what) {
  std::set<std::string> names;
  for (const auto& [claim, name] : mapping) {
    if (!names.insert(name).second) {
      return failed(what + " contains multiple mappings for key " + base::quote(name));
    }
  }
  return {};
}

class JwtMethod final : public Method {
 public:
  /// Reads the configuration and finds the keys that prove tokens.
  static Result<MethodPtr> make(const catalog::ACLAuthMethod& method, const Means& means);

  Identity nobody() const override {
    JwtFields fields;
    std::map<std::string, std::string> variables;
    for (const auto& [claim, name] : config_.values) {
      fields.Values[name];
      variables["value." + name];
    }
    for (const auto& [claim, name] : config_.lists) fields.Lists[name];
    return make_identity(std::move(fields), std::move(variables));
  }

  Result<Identity> identify(const std::string& bearer) override {
    if (bearer.empty()) return failed("missing jwt");
    Result<jwt::Claims> claims = provider_ ? proven_by_provider(bearer) : proven(bearer);
    if (!claims) return failed(claims.error().detail);
    Result<jwt::Picked> picked = jwt::pick_claims(*claims, config_.values, config_.lists);
    if (!picked) return failed(picked.error().detail);
    Identity identity = nobody();
    JwtFields fields;
    for (auto& [name, value] : picked->values) {
      fields.Values[name] = value;
      identity.variables["value." + name] = std::move(value);
    }
    for (auto& [name, list] : picked->lists) {
      base::List<std::string>& to = fields.Lists[name];
      to.make_present();
      for (std::string& each : list) to.push_back(std::move(each));
    }
    return make_identity(std::move(fields), std::move(identity.variables));
  }

 private:
  explicit JwtMethod(JwtConfig config, const base::Clock& clock) : config_(std::move(config)), clock_(clock) {}
  Result<> find_keys(Web& web);
  Result<> discover(Web& web);

  /// JWTSupportedAlgs, if it is set.
  bool is_accepted(const jwt::Token& token) const {
    const auto& accepted = config_.algorithms;
    return accepted.empty() || std::ranges::find(accepted, token.algorithm) != accepted.end();
  }

  Result<> prove(const jwt::Token& token) {
    if (remote_) {
      const Result<> proof =
          is_accepted(token) ? remote_->prove(token) : Result<>(failed("failed to verify id token signature"));
      return proof ? Result<>() : Result<>(failed("error verifying token: " + proof.error().detail));
    }
    // Any of the keys: which of them a token names is not looked at.
    const bool signed_by_one =
        std::ranges::any_of(keys_, [&](const jwt::PublicKey& key) { return key.signed_token(token); });
    if (is_accepted(token) && signed_by_one) return {};
    return failed("no known key successfully validated the token signature");
  }

  Result<jwt::Claims> proven(const std::string& bearer) {
    const Result<jwt::Token> token = jwt::parse(bearer);
    if (!token) {
      const std::string what = remote_ ? "error verifying token: oidc: malformed jwt: " : "error parsing token: ";
      return failed(what + token.error().detail);
    }
    if (Result<> proof = prove(*token); !proof) return proof.error();
    Result<jwt::Claims> claims = jwt::read_claims(token->payload);
    const Result<jwt::Registered> known =
        claims ? jwt::registered_claims(*claims) : Result<jwt::Registered>(claims.error());
    if (!known) {
      return failed(remote_ ? "failed to unmarshal claims: " + known.error().detail
                            : "no known key successfully validated the token signature");
    }
    if (Result<> counts = jwt::check_claims(*known, config_.rules, clock_.wall()); !counts) return counts.error();
    return claims;
  }

  /// The cheap questions come first: keys may have to be fetched.
  Result<jwt::Claims> proven_by_provider(const std::string& bearer) {
    const auto invalid = [](const std::string& why) { return failed("error validating signature: " + why); };
    const Result<jwt::Token> token = jwt::parse(bearer);
    if (!token) return invalid("oidc: malformed jwt: " + token.error().detail);
    Result<jwt::Claims> claims = jwt::read_claims(token->payload);
    if (!claims) return invalid("oidc: failed to unmarshal claims: " + claims.error().detail);
    const Result<jwt::Registered> known = jwt::registered_claims(*claims);
    if (!known) return invalid("oidc: failed to unmarshal claims: " + known.error().detail);
    if (Result<> counts = jwt::check_id_token(*known, provider_->issuer, clock_.wall()); !counts) {
      return invalid(counts.error().detail);
    }
    if (!is_accepted(*token)) {
      std::string wanted;
      for (const std::string& each : config_.algorithms) wanted += (wanted.empty() ? "" : " ") + base::quote(each);
      return invalid("oidc: id token signed with unsupported algorithm, expected [" + wanted + "] got " +
                     base::quote(token->algorithm));
    }
    if (Result<> proof = remote_->prove(*token); !proof) {
      return invalid("failed to verify signature: " + proof.error().detail);
    }
    if (Result<> meant = jwt::check_audience(config_.rules.audiences, *known, false); !meant) return meant.error();
    return claims;
  }

  JwtConfig config_;
  const base::Clock& clock_;
  std::vector<jwt::PublicKey> keys_{};
  std::unique_ptr<RemoteKeys> remote_{};
  std::optional<Provider> provider_{};
};

Result<> JwtMethod::discover(Web& web) {
  Result<std::shared_ptr<base::net::TlsContext>> tls = trusting(config_.discovery_ca);
  if (!tls) return failed("error checking OIDCDiscoveryCACert: " + tls.error().detail);
  const auto wrong = [](const std::string& why) { return failed("error checking OIDCDiscoveryURL: " + why); };
  std::string_view issuer = config_.discovery_url;
  if (issuer.ends_with('/')) issuer.remove_suffix(1);
  Result<base::net::Url> url = base::net::parse_url(std::string(issuer) + "/.well-known/openid-configuration");
  if (!url) return wrong(url.error().detail);
  const std::string scheme = url->scheme;
  const Result<base::net::WaitedAnswer> answer =
      web.ask({.url = std::move(*url), .headers = {{"Accept", "application/json"}}, .tls = *tls, .follows = true});
  if (!answer) return wrong(answer.error().detail);
  if (answer->status != 200) return wrong(answer->status_text + ": " + excerpt(answer->body));
  Provider& provider = provider_.emplace();
  if (Result<> read = base::read_json(answer->body, provider); !read) {
    const bool is_json = answer->header("Content-Type").starts_with("application/json");
    return wrong("oidc: failed to decode provider discovery object: " +
                 (is_json ? "got Content-Type = application/json, but could not unmarshal as JSON: "
                          : "expected Content-Type = application/json, got " +
                                base::quote(answer->header("Content-Type")) + ": ") +
                 read.error().detail);
  }
  if (provider.issuer != config_.discovery_url) {
    return wrong("oidc: issuer did not match the issuer returned by provider, expected " +
                 base::quote(config_.discovery_url) + " got " + base::quote(provider.issuer));
  }
  // What proves tokens must not come by a weaker way than what said where it is.
  if (scheme == "https" && !provider.jwks_uri.starts_with("https://")) {
    return wrong("oidc: the provider's jwks_uri " + base::quote(provider.jwks_uri) + " leaves https");
  }
  // What the provider says it signs with, of what there is; without that what nearly all do.
  if (config_.algorithms.empty()) {
    for (const std::string& name : provider.algorithms) {
      if (jwt::is_known_algorithm(name) || name == "EdDSA") config_.algorithms.push_back(name);
    }
    if (config_.algorithms.empty()) config_.algorithms.emplace_back("RS256");
  }
  remote_ = std::make_unique<RemoteKeys>(web, provider.jwks_uri, std::move(*tls));
  return {};
}

Result<> JwtMethod::find_keys(Web& web) {
  const int sources = !config_.discovery_url.empty() + !config_.public_keys.empty() + !config_.jwks_url.empty();
  if (sources != 1) {
    return failed(
        "exactly one of 'JWTValidationPubKeys', 'JWKSURL', or 'OIDCDiscoveryURL' must be set for type \"jwt\"");
  }
  if (!config_.jwks_url.empty()) {
    Result<std::shared_ptr<base::net::TlsContext>> tls = trusting(config_.jwks_ca);
    if (!tls) return failed("error checking JWKSCACert: " + tls.error().detail);
    remote_ = std::make_unique<RemoteKeys>(web, config_.jwks_url, std::move(*tls));
    if (Result<> fetched = remote_->fetch(); !fetched) {
      return failed("error checking JWKSURL: " + fetched.error().detail);
    }
  } else if (!config_.jwks_ca.empty()) {
    return failed("'JWKSCACert' should not be set unless 'JWKSURL' is set");
  }
  for (std::size_t i = 0; i < config_.public_keys.size(); ++i) {
    Result<jwt::PublicKey> key = jwt::PublicKey::from_pem(config_.public_keys[i]);
    if (!key) {
      return failed("error parsing public key JWTValidationPubKeys[" + std::to_string(i) + "]: " + key.error().detail);
    }
    keys_.push_back(std::move(*key));
  }
  if (!config_.discovery_url.empty()) return discover(web);
  if (!config_.discovery_ca.empty()) {
    return failed("'OIDCDiscoveryCACert' should not be set unless 'OIDCDiscoveryURL' is set");
  }
  return {};
}

Result<MethodPtr> JwtMethod::make(const catalog::ACLAuthMethod& method, const Means& means) {
  Result<JwtConfig> config = read_config(method.Config);
  if (!config) return config.error();
  const std::vector<std::string> algorithms = config->algorithms;
  std::shared_ptr<JwtMethod> made(new JwtMethod(std::move(*config), means.clock));
  if (Result<> found = made->find_keys(means.web); !found) return found.error();
  for (const std::string& name : algorithms) {
    if (!jwt::is_known_algorithm(name)) return failed("Invalid supported algorithm: " + name);
  }
  if (Result<> good = check_mappings(made->config_.values, "ClaimMappings"); !good) return good.error();
  if (Result<> good = check_mappings(made->config_.lists, "ListClaimMappings"); !good) return good.error();
  return MethodPtr(std::move(made));
}

}  // namespace

Result<MethodPtr> make_jwt_method(const catalog::ACLAuthMethod& method, const Means& means) {
  return JwtMethod::make(method, means);
}

}  // namespace proconsul::agent::auth
