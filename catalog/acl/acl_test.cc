#include <gtest/gtest.h>

#include "base/json.h"
#include "catalog/acl/auth_methods.h"
#include "catalog/acl/builtin.h"
#include "catalog/acl/hash.h"
#include "catalog/acl/policies.h"
#include "catalog/acl/tokens.h"
#include "catalog/store/key.h"
#include "catalog/store/store.h"

namespace proconsul::catalog {
namespace {

constexpr std::string_view kPolicy = "11111111-2222-3333-4444-555555555555";
constexpr std::string_view kRole = "22222222-2222-3333-4444-555555555555";

/// A store and the index of the next command.
struct AclState : testing::Test {
  Store store;
  std::uint64_t index = 10;

  Transaction& next() {
    store.writer().begin_command(++index);
    return store.writer();
  }
  const Tables& tables() { return store.writer().tables(); }

  base::Result<> add_policy(std::string_view id, std::string_view name, std::string_view rules = "") {
    ACLPolicyBatchSetRequest request;
    ACLPolicy& policy = request.Policies.emplace_back().emplace();
    policy.ID = id;
    policy.Name = name;
    policy.Rules = rules;
    return apply_acl_policies(next(), std::move(request));
  }
  base::Result<> add_role(std::string_view id, std::string_view name) {
    ACLRoleBatchSetRequest request;
    ACLRole& role = request.Roles.emplace_back().emplace();
    role.ID = id;
    role.Name = name;
    role.Policies.push_back({.ID = std::string(kPolicy)});
    return apply_acl_roles(next(), std::move(request));
  }
  static ACLToken token(std::string_view accessor, std::string_view secret) {
    ACLToken token;
    token.AccessorID = accessor;
    token.SecretID = secret;
    return token;
  }
  base::Result<> add_token(ACLToken token, ACLTokenBatchSetRequest request = {}) {
    request.Tokens.emplace_back().emplace() = std::move(token);
    return apply_acl_tokens(next(), std::move(request));
  }
};

std::string hex(const base::Bytes& bytes) {
  std::string out;
  for (const unsigned char c : bytes) {
    out += "0123456789abcdef"[c >> 4];
    out += "0123456789abcdef"[c & 15];
  }
  return out;
}

TEST_F(AclState, HashesAreThoseOfThePeer) {
  ACLPolicy policy;
  policy.Name = "global-management";
  policy.Description = "Builtin Policy that grants unlimited access";
  policy.Rules = "operator = \"write\"";
  EXPECT_EQ(hex(hash_of(policy)), "09abb32b09c39bd66bbbb219e5d94d73f664057a0b08dd1f0e03926d2d04850c");

  ACLRole role;
  role.Name = "r";
  role.Policies.push_back({.ID = std::string(kPolicy), .Name = "p"});
  ACLServiceIdentity& service = role.ServiceIdentities.emplace_back().emplace();
  service.ServiceName = "web";
  service.Datacenters.push_back("dc1");
  role.NodeIdentities.emplace_back().emplace() = {.NodeName = "n1", .Datacenter = "dc1"};
  ACLTemplatedPolicy& templated = role.TemplatedPolicies.emplace_back().emplace();
  templated.TemplateID = "00000000-0000-0000-0000-000000000003";
  templated.TemplateName = "builtin/service";
  templated.TemplateVariables.emplace().Name = "api";
  EXPECT_EQ(hex(hash_of(role)), "002216b42a1b1fc41d9ba7aba8a773064807468960ccf7723a3c33bbd23de626");
}

TEST_F(AclState, ATokenIsFoundByAccessorAndSecretAndKeepsBoth) {
  ASSERT_TRUE(add_token(token("a1", "s1")));
  ASSERT_NE(token_by_secret(tables(), "s1"), nullptr);
  EXPECT_EQ(token_by_secret(tables(), "s1"), token_by_accessor(tables(), "A1"));
  EXPECT_EQ(token_by_secret(tables(), "S1"), nullptr);

  EXPECT_EQ(add_token(token("a1", "s2")).error().detail, "The ACL Token SecretID field is immutable");
  EXPECT_EQ(add_token(token("a1", "")).error().detail, "Missing ACL Token SecretID");
  EXPECT_EQ(add_token(token("", "s")).error().detail, "Missing ACL Token AccessorID");

  ACLToken changed = token("a1", "s1");
  changed.Description = "d";
  ASSERT_TRUE(add_token(changed));
  EXPECT_EQ(token_by_accessor(tables(), "a1")->CreateIndex, 11U);
  EXPECT_EQ(token_by_accessor(tables(), "a1")->ModifyIndex, index);
  EXPECT_EQ(tables().index_of("acl-tokens"), index);
}

TEST_F(AclState, BootstrapHappensOnceAndAgainWithTheIndexOfTheLastOne) {
  EXPECT_TRUE(apply_acl_bootstrap(next(), {.Token = token("a1", "s1")}));
  const std::uint64_t first = index;
  EXPECT_EQ(acl_bootstrap_index(tables()), first);
  EXPECT_EQ(apply_acl_bootstrap(next(), {.Token = token("a2", "s2")}).error().detail,
            "ACL bootstrap no longer allowed");
  EXPECT_EQ(apply_acl_bootstrap(next(), {.Token = token("a2", "s2"), .ResetIndex = 3}).error().detail,
            "Invalid ACL bootstrap reset index");
  EXPECT_EQ(acl_bootstrap_index(tables()), first);
  EXPECT_TRUE(apply_acl_bootstrap(next(), {.Token = token("a2", "s2"), .ResetIndex = first}));
  EXPECT_EQ(acl_bootstrap_index(tables()), index);
}

TEST_F(AclState, LinksShowTheNameOfTodayAndVanishWithWhatTheyLinkTo) {
  ASSERT_TRUE(add_policy(kPolicy, "p"));
  ASSERT_TRUE(add_role(kRole, "r"));
  ACLToken linked = token("a1", "s1");
  linked.Policies.push_back({.ID = std::string(kPolicy)});
  linked.Roles.push_back({.ID = std::string(kRole)});
  ASSERT_TRUE(add_token(linked));
  EXPECT_EQ(token_by_accessor(tables(), "a1")->Policies[0].Name, "p");

  ASSERT_TRUE(add_policy(kPolicy, "renamed"));
  EXPECT_EQ(policy_by_name(tables(), "p"), nullptr);
  ACLToken read = with_current_links(tables(), *token_by_accessor(tables(), "a1"));
  EXPECT_EQ(read.Policies[0].Name, "renamed");
  EXPECT_EQ(with_current_links(tables(), *role_by_name(tables(), "R")).Policies[0].Name, "renamed");

  ACLPolicyBatchDeleteRequest request;
  request.PolicyIDs.push_back(std::string(kPolicy));
  ASSERT_TRUE(apply_acl_policy_deletes(next(), request));
  read = with_current_links(tables(), *token_by_accessor(tables(), "a1"));
  EXPECT_TRUE(read.Policies.empty());
  EXPECT_EQ(read.Roles[0].Name, "r");
  EXPECT_TRUE(with_current_links(tables(), *role_by_id(tables(), kRole)).Policies.empty());
}

TEST_F(AclState, ABatchWithAMistakeChangesNothing) {
  ACLTokenBatchSetRequest request;
  request.Tokens.emplace_back().emplace() = token("a1", "s1");
  ACLToken& wrong = request.Tokens.emplace_back().emplace() = token("a2", "s2");
  wrong.Policies.push_back({.ID = std::string(kPolicy)});
  EXPECT_EQ(apply_acl_tokens(next(), request).error().detail, "No such policy with ID: " + std::string(kPolicy));
  request.Tokens[1]->Policies[0].ID = "missing";
  EXPECT_EQ(apply_acl_tokens(next(), request).error().detail,
            "failed acl policy lookup: index error: UUID must be 36 characters");
  EXPECT_EQ(token_by_accessor(tables(), "a1"), nullptr);
  EXPECT_EQ(tables().index_of("acl-tokens"), 0U);

  request.AllowMissingLinks = true;
  EXPECT_TRUE(apply_acl_tokens(next(), request));
  request.FromReplication = true;
  (*request.Tokens[0]).Local = true;
  EXPECT_EQ(apply_acl_tokens(next(), request).error().detail, "Cannot replicate local tokens");
}

TEST_F(AclState, WhatIsComparedAndSetLosesAgainstALaterWrite) {
  ASSERT_TRUE(add_token(token("a1", "s1")));
  ACLToken changed = token("a1", "s1");
  changed.Description = "late";
  for (const std::uint64_t wrong : {std::uint64_t{0}, index + 5}) {
    changed.ModifyIndex = wrong;
    EXPECT_TRUE(add_token(changed, {.CAS = true}));
    EXPECT_EQ(token_by_accessor(tables(), "a1")->Description, "");
  }
  changed.ModifyIndex = token_by_accessor(tables(), "a1")->ModifyIndex;
  EXPECT_TRUE(add_token(changed, {.CAS = true}));
  EXPECT_EQ(token_by_accessor(tables(), "a1")->Description, "late");
}

TEST_F(AclState, BuiltinsStayAsTheyAre) {
  const ACLPolicy& management = *builtin_policy(kGlobalManagementID);
  ASSERT_TRUE(add_policy(kGlobalManagementID, management.Name, management.Rules));
  EXPECT_EQ(add_policy(kGlobalManagementID, management.Name, "acl = \"read\"").error().detail,
            "Changing the Rules for the builtin global-management policy is not permitted");
  EXPECT_EQ(add_policy(kPolicy, "Global-Management").error().detail,
            "A policy with name \"Global-Management\" already exists");
  ACLPolicyBatchDeleteRequest request;
  request.PolicyIDs.push_back(std::string(kGlobalManagementID));
  EXPECT_EQ(apply_acl_policy_deletes(next(), request).error().detail,
            "Deletion of the builtin global-management policy is not permitted");

  ASSERT_TRUE(add_token(token(kAnonymousAccessor, "anonymous")));
  ACLTokenBatchDeleteRequest tokens;
  tokens.TokenIDs.push_back(std::string(kAnonymousAccessor));
  EXPECT_EQ(apply_acl_token_deletes(next(), tokens).error().detail,
            "Deletion of the builtin anonymous token is not permitted");
}

TEST_F(AclState, WithAnAuthMethodGoItsRulesAndTheTokensOfItsLogins) {
  ACLAuthMethodBatchSetRequest methods;
  ACLAuthMethod& method = methods.AuthMethods.emplace_back().emplace();
  method.Name = "Kube";
  method.Type = "kubernetes";
  ASSERT_TRUE(apply_acl_auth_methods(next(), methods));
  ACLBindingRuleBatchSetRequest rules;
  ACLBindingRule& rule = rules.BindingRules.emplace_back().emplace();
  rule.ID = "r1";
  rule.AuthMethod = "missing";
  EXPECT_EQ(apply_acl_binding_rules(next(), rules).error().detail,
            "failed inserting acl binding rule: auth method not found");
  (*rules.BindingRules[0]).AuthMethod = "kube";
  ASSERT_TRUE(apply_acl_binding_rules(next(), rules));
  ACLToken login = token("a1", "s1");
  login.AuthMethod = "Kube";
  login.Local = true;
  ASSERT_TRUE(add_token(login));
  login = token("a2", "s2");
  login.AuthMethod = "Kube";
  ASSERT_TRUE(add_token(login));
  ASSERT_TRUE(add_token(token("a3", "s3")));

  ACLAuthMethodBatchDeleteRequest request;
  request.AuthMethodNames.push_back("kube");
  apply_acl_auth_method_deletes(next(), request);

  EXPECT_TRUE(tables().acl_auth_methods.empty());
  EXPECT_TRUE(tables().acl_binding_rules.empty());
  EXPECT_TRUE(tables().acl_binding_rules_by_method.empty());
  EXPECT_EQ(token_by_secret(tables(), "s1"), nullptr);
  EXPECT_NE(token_by_secret(tables(), "s2"), nullptr);  // global: the primary's to delete
  EXPECT_NE(token_by_secret(tables(), "s3"), nullptr);
}

TEST_F(AclState, ATokenStandsUnderTheServicesOfItsIdentitiesAndTemplates) {
  const auto of_service = [&](std::string_view name) {
    std::vector<std::string> accessors;
    for (const auto [key, row] : tables().acl_tokens_by_service.prefix(index_key({name}))) {
      accessors.push_back(row->AccessorID);
    }
    return accessors;
  };
  const auto add_template = [](ACLToken& token, std::string_view name, std::string_view variable) {
    ACLTemplatedPolicy& policy = token.TemplatedPolicies.emplace_back().emplace();
    policy.TemplateName = name;
    policy.TemplateVariables.emplace().Name = variable;
  };
  ACLToken both = token("a1", "s1");
  both.ServiceIdentities.emplace_back().emplace().ServiceName = "web";
  add_template(both, "builtin/service", "web");
  ACLToken templated = token("a2", "s2");
  add_template(templated, "builtin/service", "web");
  add_template(templated, "builtin/node", "node");
  templated.TemplatedPolicies.emplace_back().emplace().TemplateName = "builtin/dns";
  ASSERT_TRUE(add_token(both));
  restore_acl_token(next(), templated);
  EXPECT_EQ(of_service("WEB"), (std::vector<std::string>{"a1", "a2"}));
  EXPECT_TRUE(of_service("node").empty());

  both.TemplatedPolicies.clear();
  ASSERT_TRUE(add_token(both));
  EXPECT_EQ(of_service("web"), (std::vector<std::string>{"a1", "a2"}));
  both.ServiceIdentities.clear();
  ASSERT_TRUE(add_token(both));
  EXPECT_EQ(of_service("web"), std::vector<std::string>{"a2"});
}

TEST_F(AclState, WhoHasReadOneRowIsWokenByThatOneOnly) {
  struct Sink : base::WakeSink {
    void wake(std::vector<std::uint64_t>) override {}
  } sink;
  constexpr std::string_view kOther = "33333333-2222-3333-4444-555555555555";
  ASSERT_TRUE(add_policy(kPolicy, "p"));
  ASSERT_TRUE(add_role(kRole, "r"));
  ASSERT_TRUE(add_token(token("a1", "s1")));
  store.commit();
  const auto watch = [&](auto read) {
    base::KeySet keys;
    read(&keys);
    return store.watches().watch(keys, sink, 1);
  };
  const auto watch_all = [&] {
    std::vector<base::Watch> all;
    all.push_back(watch([&](auto* keys) { watch_token(token_by_accessor(tables(), "a1"), keys); }));
    all.push_back(watch([&](auto* keys) { watch_policy(policy_by_name(tables(), "p"), keys); }));
    all.push_back(watch([&](auto* keys) { watch_role(role_by_name(tables(), "r"), keys); }));
    return all;
  };
  const base::Watch nothing = watch([](auto* keys) { watch_token(nullptr, keys); });
  std::vector<base::Watch> rows = watch_all();

  ASSERT_TRUE(add_policy(kOther, "p2"));
  ASSERT_TRUE(add_role(kOther, "r2"));
  ASSERT_TRUE(add_token(token("a2", "s2")));
  store.commit();
  EXPECT_TRUE(nothing.fired());
  for (const base::Watch& row : rows) EXPECT_FALSE(row.fired());

  ASSERT_TRUE(add_policy(kPolicy, "p", "# other"));
  ASSERT_TRUE(add_role(kRole, "r"));
  ASSERT_TRUE(add_token(token("a1", "s1")));
  store.commit();
  for (const base::Watch& row : rows) EXPECT_TRUE(row.fired());

  rows = watch_all();
  EXPECT_TRUE(apply_acl_token_deletes(next(), {.TokenIDs = {"a1"}}));
  EXPECT_TRUE(apply_acl_role_deletes(next(), {.RoleIDs = {std::string(kRole)}}));
  EXPECT_TRUE(apply_acl_policy_deletes(next(), {.PolicyIDs = {std::string(kPolicy)}}));
  store.commit();
  for (const base::Watch& row : rows) EXPECT_TRUE(row.fired());
}

TEST_F(AclState, ARoleNamesWhatIsWrongWithItsTemplates) {
  ASSERT_TRUE(add_policy(kPolicy, "p"));
  const auto error_of = [&](std::string_view name, std::string_view variable) {
    ACLRoleBatchSetRequest request;
    ACLRole& role = request.Roles.emplace_back().emplace();
    role.ID = kRole;
    role.Name = "r";
    ACLTemplatedPolicy& policy = role.TemplatedPolicies.emplace_back().emplace();
    policy.TemplateName = name;
    if (!variable.empty()) policy.TemplateVariables.emplace().Name = variable;
    const auto done = apply_acl_roles(next(), std::move(request));
    return done ? std::string() : done.error().detail;
  };
  const std::string head = "encountered a Role r (" + std::string(kRole) + ") with an ";
  EXPECT_EQ(error_of("", "x"), head + "empty templated policy name in the state store");
  EXPECT_EQ(error_of("builtin/x", "x"), head + "invalid templated policy name \"builtin/x\"");
  EXPECT_EQ(error_of("builtin/service", "Web"),
            head +
                "invalid templated policy: service identity \"Web\" has an invalid name. Only lowercase "
                "alphanumeric characters, '-' and '_' are allowed");
  EXPECT_EQ(error_of("builtin/service", "web"), "");
  EXPECT_EQ(role_by_id(tables(), kRole)->TemplatedPolicies[0]->TemplateID, "00000000-0000-0000-0000-000000000003");
  EXPECT_EQ(error_of("builtin/dns", ""), "");
}

TEST_F(AclState, IdentitiesStandForPolicies) {
  const ACLPolicy service = synthetic_policy(ACLServiceIdentity{.ServiceName = "web"});
  EXPECT_EQ(service.Rules,
            "\nservice \"web\" {\n\tpolicy = \"write\"\n}\nservice \"web-sidecar-proxy\" {\n\tpolicy = \"write\"\n}\n"
            "service_prefix \"\" {\n\tpolicy = \"read\"\n}\nnode_prefix \"\" {\n\tpolicy = \"read\"\n}");
  EXPECT_EQ(service.Name, "synthetic-policy-" + service.ID);
  const ACLPolicy node = synthetic_policy(ACLNodeIdentity{.NodeName = "n1", .Datacenter = "dc2"});
  EXPECT_EQ(node.Datacenters[0], "dc2");
  EXPECT_NE(node.Rules.find("node \"n1\""), std::string::npos);
  EXPECT_FALSE(synthetic_policy(ACLTemplatedPolicy{.TemplateID = "", .TemplateName = "builtin/x"}));
}

}  // namespace
}  // namespace proconsul::catalog
