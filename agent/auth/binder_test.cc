#include "agent/auth/binder.h"

#include <gtest/gtest.h>

#include "acl/jwt/test_signer.h"
#include "agent/auth/method.h"
#include "agent/auth/web.h"
#include "base/clock.h"
#include "catalog/acl/auth_methods.h"
#include "catalog/acl/policies.h"
#include "catalog/store/store.h"

namespace proconsul::agent::auth {
namespace {

using acl::jwt::test::Signer;
using base::Result;
using catalog::ACLAuthMethod;
using catalog::ACLBindingRule;
using catalog::ACLToken;

/// A JWT method with a key of its own, and rules for it.
struct Binding : testing::Test {
  base::net::Loops loops{1};
  Web web{loops[0]};
  Signer signer{"ES256"};
  catalog::Store store;
  std::uint64_t index = 10;

  ~Binding() override { loops.stop(); }

  ACLAuthMethod method() {
    ACLAuthMethod method;
    method.Name = "jwt";
    method.Type = "jwt";
    base::Value::ListType keys;
    keys.push_back(base::Value(signer.public_pem()));
    method.Config["JWTValidationPubKeys"] = std::move(keys);
    base::Value::MapType values, lists;
    values["name"] = "user";
    values["team"] = "team";
    values["/nested/role"] = "role";
    lists["groups"] = "groups";
    method.Config["ClaimMappings"] = std::move(values);
    method.Config["ListClaimMappings"] = std::move(lists);
    return method;
  }
  Result<MethodPtr> made(const ACLAuthMethod& method) { return make_method(method, {web, base::system_clock()}); }
  Identity identity(const std::string& claims) {
    Result<MethodPtr> method = made(this->method());
    EXPECT_TRUE(method) << method.error().detail;
    Result<Identity> found = (*method)->identify(signer.token(claims));
    EXPECT_TRUE(found) << found.error().detail;
    return found.value_or(Identity());
  }
  Identity nobody() { return (*made(method()))->nobody(); }

  catalog::Transaction& next() {
    store.writer().begin_command(++index);
    return store.writer();
  }
  void add_method() {
    catalog::ACLAuthMethodBatchSetRequest request;
    request.AuthMethods.emplace_back().emplace() = method();
    ASSERT_TRUE(catalog::apply_acl_auth_methods(next(), std::move(request)));
  }
  void add(std::string selector, std::string type, std::string name, std::string variable = {}) {
    catalog::ACLBindingRuleBatchSetRequest request;
    ACLBindingRule& rule = request.BindingRules.emplace_back().emplace();
    rule.ID = "11111111-2222-3333-4444-" + std::to_string(100'000'000'000 + index);
    rule.AuthMethod = "jwt";
    rule.Selector = std::move(selector);
    rule.BindType = std::move(type);
    rule.BindName = std::move(name);
    if (!variable.empty()) rule.BindVars.emplace().Name = std::move(variable);
    ASSERT_TRUE(catalog::apply_acl_binding_rules(next(), std::move(request)));
  }
  void add_role(std::string id, std::string name) {
    catalog::ACLRoleBatchSetRequest request;
    catalog::ACLRole& role = request.Roles.emplace_back().emplace();
    role.ID = std::move(id);
    role.Name = std::move(name);
    ASSERT_TRUE(catalog::apply_acl_roles(next(), std::move(request)));
  }
  Result<> bound(const std::string& claims, ACLToken& token) {
    token.AuthMethod = "jwt";
    return bind(store.writer().tables(), identity(claims), "dc1", token);
  }
  std::string binding_error(std::string type, std::string name, std::string variable = {}) {
    ACLBindingRule rule;
    rule.BindType = std::move(type);
    rule.BindName = std::move(name);
    if (!variable.empty()) rule.BindVars.emplace().Name = std::move(variable);
    const Result<> checked = check_binding(rule, nobody());
    return checked ? "" : checked.error().detail;
  }
  std::string selector_error(std::string selector) {
    ACLBindingRule rule;
    rule.Selector = std::move(selector);
    const Result<> checked = check_selector(rule, nobody());
    return checked ? "" : checked.error().detail;
  }
};

const std::string kJane =
    R"({"exp":4102444800,"nbf":1600000000,"name":"Jane","team":"dev","nested":{"role":"admin"},"groups":["g1","g2"]})";

TEST_F(Binding, RulesOfEveryKindGiveWhatTheySay) {
  add_method();
  add_role("22222222-2222-3333-4444-555555555555", "dev-role");
  add("value.team==dev", "service", "svc-${value.team}");
  add("g1 in list.groups", "role", "${value.team}-role");
  add("", "role", "missing");
  add("value.role==admin", "node", "node-${value.user}");
  add("value.team==dev", "templated-policy", "builtin/service", "tp-${value.team}");
  add("value.team==ops", "service", "nomatch");
  add("g3 in list.groups or value.user == other", "service", "nomatch");

  ACLToken token;
  const Result<> done = bound(kJane, token);

  ASSERT_TRUE(done) << done.error().detail;
  ASSERT_EQ(token.ServiceIdentities.size(), 1u);
  EXPECT_EQ(token.ServiceIdentities[0]->ServiceName, "svc-dev");
  ASSERT_EQ(token.Roles.size(), 1u);
  EXPECT_EQ(token.Roles[0].ID, "22222222-2222-3333-4444-555555555555");
  ASSERT_EQ(token.NodeIdentities.size(), 1u);
  EXPECT_EQ(token.NodeIdentities[0]->NodeName, "node-jane");  // in small letters
  EXPECT_EQ(token.NodeIdentities[0]->Datacenter, "dc1");
  ASSERT_EQ(token.TemplatedPolicies.size(), 1u);
  EXPECT_EQ(token.TemplatedPolicies[0]->TemplateName, "builtin/service");
  EXPECT_EQ(token.TemplatedPolicies[0]->TemplateVariables->Name, "tp-dev");
  EXPECT_TRUE(token.Policies.empty());
}

TEST_F(Binding, WhoLacksAClaimMatchesNothingThatAsksForIt) {
  add_method();
  add("value.team==dev", "service", "a");
  add("g1 in list.groups", "service", "b");
  add("list.groups is not empty", "service", "c");
  add("value.team != dev and list.groups is empty", "service", "d");

  ACLToken token;
  ASSERT_TRUE(bound(R"({"exp":4102444800,"nbf":1600000000,"name":"x"})", token));

  ASSERT_EQ(token.ServiceIdentities.size(), 1u);
  EXPECT_EQ(token.ServiceIdentities[0]->ServiceName, "d");
}

TEST_F(Binding, NothingIsBoundWithoutARuleThatMatches) {
  add_method();
  add("value.team==ops", "service", "a");

  ACLToken token;
  ASSERT_TRUE(bound(kJane, token));

  EXPECT_FALSE(is_bound(token));
}

TEST_F(Binding, ANameThatCouldBeNoneIsAnError) {
  add_method();
  add("", "service", "${value.user}");

  ACLToken token;
  const Result<> done = bound(R"({"exp":4102444800,"nbf":1600000000,"name":"Jane Doe"})", token);

  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().detail, "invalid bind name: \"jane doe\"");
}

TEST_F(Binding, RulesAreCheckedAgainstWhatTheMethodKnows) {
  EXPECT_EQ(selector_error("value.user==a and g in list.groups"), "");
  EXPECT_EQ(selector_error("unknown==1"), "Selector \"unknown\" is not valid");
  EXPECT_NE(selector_error("bad("), "");
  EXPECT_EQ(binding_error("service", "x-${value.user}"), "");
  EXPECT_EQ(binding_error("policy", "a/b"), "");
  EXPECT_EQ(binding_error("bad", "x"), "invalid Binding Rule: unknown BindType \"bad\"");
  EXPECT_EQ(binding_error("service", "A B"), "failed to validate bindType \"service\": invalid bind name: \"A B\"");
  EXPECT_EQ(binding_error("role", "${value.none}"),
            "failed to validate bindType \"role\": error interpreting template: 1:3: unknown variable accessed: "
            "value.none");
  EXPECT_EQ(binding_error("service", "${value.user"),
            "failed to validate bindType \"service\": error interpreting template: parse error at 1:13: expected \"}\" "
            "but found end of string");
  EXPECT_EQ(binding_error("templated-policy", "builtin/none"),
            "failed to validate bindType \"templated-policy\": Bind name for templated-policy bind type does not match "
            "existing template name: builtin/none");
  EXPECT_EQ(binding_error("templated-policy", "builtin/service", "${value.team}"), "");
  EXPECT_NE(binding_error("templated-policy", "builtin/service"), "");
}

TEST_F(Binding, TheMethodSaysWhyItRefusesAToken) {
  ACLAuthMethod strict = method();
  strict.Config["BoundIssuer"] = "me";
  strict.Config["JWTSupportedAlgs"] = "RS256";  // one text for a list of one
  const Result<MethodPtr> refusing = made(strict), plain = made(method());
  ASSERT_TRUE(refusing && plain);
  const auto refusal = [](const Result<MethodPtr>& method, const std::string& token) {
    const Result<Identity> found = (*method)->identify(token);
    return found ? "" : found.error().detail;
  };

  EXPECT_EQ(refusal(plain, ""), "missing jwt");
  EXPECT_EQ(refusal(plain, "a.b.c"), "error parsing token: illegal base64 data at input byte 0");
  EXPECT_EQ(refusal(plain, Signer("ES256").token(kJane)), "no known key successfully validated the token signature");
  EXPECT_EQ(refusal(plain, signer.token(kJane, R"({"alg":"none"})")),
            "no known key successfully validated the token signature");
  EXPECT_EQ(refusal(plain, signer.token(R"({"exp":1600000001,"iat":1600000000})")),
            "error validating claims: go-jose/go-jose/jwt: validation failed, token is expired (exp)");
  EXPECT_EQ(refusal(refusing, signer.token(kJane)), "no known key successfully validated the token signature");
  EXPECT_EQ(refusal(plain, signer.token(kJane)), "");
}

TEST_F(Binding, AConfigurationThatMakesNoSenseIsRefused) {
  const auto refusal = [this](const std::string& key, base::Value value) {
    ACLAuthMethod changed = method();
    changed.Config[key] = std::move(value);
    const Result<MethodPtr> done = made(changed);
    return done ? "" : done.error().detail;
  };
  base::Value::MapType twice;
  twice["a"] = "x";
  twice["b"] = "x";

  EXPECT_EQ(refusal("BoundIssuer", 5.0), "");  // Consul takes numbers for texts
  EXPECT_EQ(refusal("Unknown", 1.0), "error decoding config: 1 error(s) decoding:\n\n* '' has invalid keys: Unknown");
  EXPECT_EQ(refusal("ClaimMappings", base::Value("x")),
            "error decoding config: 1 error(s) decoding:\n\n* 'ClaimMappings' expected a map, got 'string'");
  EXPECT_EQ(refusal("ExpirationLeeway", base::Value("150s")),
            "error decoding config: 1 error(s) decoding:\n\n* cannot parse 'ExpirationLeeway' as int: "
            "strconv.ParseInt: parsing \"150s\": invalid syntax");
  EXPECT_EQ(refusal("ClaimMappings", twice), "ClaimMappings contains multiple mappings for key \"x\"");
  EXPECT_EQ(refusal("JWTSupportedAlgs", base::Value("HS256")), "Invalid supported algorithm: HS256");
  EXPECT_EQ(refusal("JWTSupportedAlgs", base::Value("none")), "Invalid supported algorithm: none");
  EXPECT_EQ(refusal("JWKSURL", base::Value("http://127.0.0.1:1")),
            "exactly one of 'JWTValidationPubKeys', 'JWKSURL', or 'OIDCDiscoveryURL' must be set for type \"jwt\"");
  EXPECT_EQ(refusal("JWKSCACert", base::Value("x")), "'JWKSCACert' should not be set unless 'JWKSURL' is set");
  EXPECT_EQ(refusal("JWTValidationPubKeys", base::Value("bad")),
            "error parsing public key JWTValidationPubKeys[0]: data does not contain any valid RSA, ECDSA, or ED25519 "
            "public keys");
}

}  // namespace
}  // namespace proconsul::agent::auth
