#include "acl/rules.h"

#include <gtest/gtest.h>

#include <utility>

namespace proconsul::acl {
namespace {

std::string error_of(std::string_view text) {
  Result<Rules> rules = parse_rules(text);
  return rules ? "" : rules.error().detail;
}

const std::vector<Rule>& of(const Rules& rules, Resource resource) {
  return rules.named[std::to_underlying(resource)];
}

TEST(AclRules, EveryResourceIsReadInBothSpellings) {
  for (Resource resource : {Resource::agent, Resource::event, Resource::key, Resource::node, Resource::query,
                            Resource::service, Resource::session}) {
    const std::string name(to_string(resource));
    Result<Rules> rules =
        parse_rules(name + R"( "a" { policy = "write" })" + name + R"(_prefix "" { policy = "Read" })");
    ASSERT_TRUE(rules) << rules.error().detail;
    ASSERT_EQ(of(*rules, resource).size(), 2U) << name;
    EXPECT_EQ(of(*rules, resource)[0].name, "a");
    EXPECT_FALSE(of(*rules, resource)[0].prefix);
    EXPECT_EQ(of(*rules, resource)[0].access, Access::write);
    EXPECT_TRUE(of(*rules, resource)[1].prefix);
    EXPECT_EQ(of(*rules, resource)[1].access, Access::read);

    rules = parse_rules("{\"" + name + R"(": {"a": {"policy": "deny"}}, ")" + name +
                        R"(_prefix": [{"": {"policy": "read"}}]})");
    ASSERT_TRUE(rules) << rules.error().detail;
    ASSERT_EQ(of(*rules, resource).size(), 2U) << name;
    EXPECT_EQ(of(*rules, resource)[0].access, Access::deny);
  }
  for (Resource resource : {Resource::acl, Resource::keyring, Resource::operator_, Resource::mesh, Resource::peering}) {
    Result<Rules> rules = parse_rules(std::string(to_string(resource)) + R"( = "write")");
    ASSERT_TRUE(rules);
    EXPECT_EQ(rules->unnamed[std::to_underlying(resource) - kNamed], Access::write);
  }
}

TEST(AclRules, WhatIsUnknownIsPassedOver) {
  Result<Rules> rules = parse_rules(R"(
    sentinel { code = "x" }
    bogus "x" { policy = "read" }
    identity "x" { policy = "nonsense" }
    operator = ""
    key "a" { policy = "write" sentinel { code = "x" enforcementlevel = "soft-mandatory" } intentions = "nonsense" }
    key "b" { policy = "write" intentions "x" {} })");
  ASSERT_TRUE(rules) << rules.error().detail;
  ASSERT_EQ(of(*rules, Resource::key).size(), 2U);
  EXPECT_EQ(of(*rules, Resource::key)[0].intentions, Access::none);
  EXPECT_TRUE(parse_rules(""));
  EXPECT_TRUE(parse_rules("# nothing\n"));
}

TEST(AclRules, MistakesAreNamedInConsulsWords) {
  const std::pair<std::string_view, std::string_view> mistakes[] = {
      {R"(acl = "x")", R"(Invalid acl policy: "x")"},
      {R"(acl = true)", "Failed to parse ACL rules: At 1:7: root.acl: unknown type for string *ast.LiteralType"},
      {R"(acl = ["read"])", "Failed to parse ACL rules: At 1:7: root.acl: unknown type for string *ast.ListType"},
      {R"(acl { })", "Failed to parse ACL rules: At -: root.acl: unknown type for string *ast.ObjectList"},
      {R"(operator "x" { policy = "read" })",
       "Failed to parse ACL rules: At 1:10: root.operator: unknown type for string *ast.ObjectList"},
      {R"(keyring "a" "b" { })",
       "Failed to parse ACL rules: At 1:9: root.keyring: unknown type for string *ast.ObjectList"},
      {"operator = \"read\"\noperator \"x\" { }",
       "Failed to parse ACL rules: At 2:10: root.operator: unknown type for string *ast.ObjectList"},
      {R"(key "a" { policy "x" {} })",
       "Failed to parse ACL rules: At 1:18: root.key[0].Policy: unknown type for string *ast.ObjectList"},
      {R"(service "a" { policy = "read" intentions "y" {} })",
       "Failed to parse ACL rules: At 1:42: root.service[0].Intentions: unknown type for string *ast.ObjectList"},
      {R"(mesh = "list")", R"(Invalid mesh policy: "list")"},
      {R"(agent "a" { policy = "list" })", R"(Invalid agent policy: &acl.AgentRule{Node:"a", Policy:"list"})"},
      {R"(key "foo" { })",
       R"(Invalid key policy: &acl.KeyRule{Prefix:"foo", Policy:"", EnterpriseRule:acl.EnterpriseRule{}})"},
      {R"(key_prefix "q\"q" { policy = "bad\n" })",
       R"(Invalid key_prefix policy: &acl.KeyRule{Prefix:"q\"q", Policy:"bad\n", EnterpriseRule:acl.EnterpriseRule{}})"},
      {R"(event_prefix "s" { policy = "l" })", R"(Invalid event_prefix policy: &acl.EventRule{Event:"s", Policy:"l"})"},
      {R"(query "s" { policy = "l" })", R"(Invalid query policy: &acl.PreparedQueryRule{Prefix:"s", Policy:"l"})"},
      {R"(session "s" { policy = "l" })", R"(Invalid session policy: &acl.SessionRule{Node:"s", Policy:"l"})"},
      {R"(service "a" { policy = "write" intentions = "list" })",
       R"(Invalid service intentions policy: &acl.ServiceRule{Name:"a", Policy:"write", Intentions:"list", )"
       R"(EnterpriseRule:acl.EnterpriseRule{}})"},
      {R"(acl = "read" acl = "write")",
       R"(Failed to parse ACL rules: The argument "acl" at 1:14 was already set. Each argument can only be defined once)"},
      {R"(key "foo" { policy = true })",
       "Failed to parse ACL rules: At 1:22: root.key[0].Policy: unknown type for string *ast.LiteralType"},
      {R"(key = "x")", "Failed to parse ACL rules: At 1:7: unknown slice type: *ast.LiteralType"},
      {R"(key = [ "x" ])",
       "Failed to parse ACL rules: At 1:9: root.key[0]: not an object type for struct (*ast.LiteralType)"},
      {R"(key "foo" {)", "Failed to parse ACL rules: At 1:13: object expected closing RBRACE got: EOF"},
      {R"({"key": {"foo": "read"}})",
       R"(Invalid key policy: &acl.KeyRule{Prefix:"foo", Policy:"", EnterpriseRule:acl.EnterpriseRule{}})"},
  };
  for (const auto& [text, why] : mistakes) EXPECT_EQ(error_of(text), why) << text;
}

TEST(AclRules, AJsonThatEndsTooEarlyIsNotAnEmptyPolicy) {
  EXPECT_FALSE(parse_rules(R"({"key":)"));
  EXPECT_FALSE(parse_rules("{"));
}

TEST(AclRules, AMemberThatJsonRepeatsIsARuleOfItsOwn) {
  const Rules rules = *parse_rules(R"( {"key":{"a":{"policy":"deny"},"a":{"policy":"write"}}} )");
  EXPECT_EQ(of(rules, Resource::key).size(), 2U);
  EXPECT_EQ(of(merge({&rules}), Resource::key)[0].access, Access::deny);
}

TEST(AclRules, MergingPrefersDenyThenWriteThenListThenRead) {
  const std::string_view ranked[] = {"read", "list", "write", "deny"};
  for (std::size_t low = 0; low < 4; ++low) {
    for (std::size_t high = low; high < 4; ++high) {
      const auto rules = [](std::string_view access) {
        return *parse_rules("key_prefix \"\" { policy = \"" + std::string(access) + "\" }" +
                            (access == "list" ? "" : "operator = \"" + std::string(access) + "\""));
      };
      const Rules one = rules(ranked[low]), other = rules(ranked[high]);
      for (const Rules& merged : {merge({&one, &other}), merge({&other, &one})}) {
        ASSERT_EQ(of(merged, Resource::key).size(), 1U);
        EXPECT_EQ(of(merged, Resource::key)[0].access, parse_access(ranked[high]));
      }
    }
  }
}

TEST(AclRules, MergingKeepsTheStrongestIntentionsApartFromTheAccess) {
  const Rules one = *parse_rules(R"(service "web" { policy = "write" })");
  const Rules other = *parse_rules(R"(service "web" { policy = "read" intentions = "write" })");
  const Rules merged = merge({&one, &other});
  ASSERT_EQ(of(merged, Resource::service).size(), 1U);
  EXPECT_EQ(of(merged, Resource::service)[0].access, Access::write);
  EXPECT_EQ(of(merged, Resource::service)[0].intentions, Access::write);
  EXPECT_EQ(of(merged, Resource::service)[0].policy, 0U);
}

}  // namespace
}  // namespace proconsul::acl
