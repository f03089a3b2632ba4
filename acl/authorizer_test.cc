#include "acl/authorizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>

namespace proconsul::acl {
namespace {

Authorizer of(std::string_view text, Fallback fallback = Fallback::deny) {
  const Rules rules = *parse_rules(text);
  return Authorizer(merge({&rules}), fallback);
}

TEST(AclAuthorizer, AnExactRuleDecidesBeforePrefixesAndALongPrefixBeforeAShortOne) {
  const Authorizer authorizer = of(R"(
    key_prefix "" { policy = "read" }
    key_prefix "app/" { policy = "write" }
    key "app/" { policy = "deny" }
    key_prefix "app/secret/" { policy = "deny" }
    key "app/secret/mine" { policy = "write" }
    key "app/secret/mine/not" { policy = "list" })");
  EXPECT_TRUE(authorizer.allows(Resource::key, "other", Access::read));
  EXPECT_FALSE(authorizer.allows(Resource::key, "other", Access::list));
  EXPECT_FALSE(authorizer.allows(Resource::key, "other", Access::write));
  EXPECT_TRUE(authorizer.allows(Resource::key, "app/x", Access::write));
  EXPECT_TRUE(authorizer.allows(Resource::key, "app/x", Access::list));
  EXPECT_FALSE(authorizer.allows(Resource::key, "app/", Access::read));
  EXPECT_FALSE(authorizer.allows(Resource::key, "app/secret/x", Access::read));
  EXPECT_TRUE(authorizer.allows(Resource::key, "app/secret/mine", Access::write));
  EXPECT_FALSE(authorizer.allows(Resource::key, "app/secret/mine/", Access::read));
  EXPECT_TRUE(authorizer.allows(Resource::key, "app/secret/mine/not", Access::read));
  EXPECT_TRUE(authorizer.allows(Resource::key, "app/secret/mine/not", Access::list));
  EXPECT_FALSE(authorizer.allows(Resource::key, "app/secret/mine/not", Access::write));
  EXPECT_FALSE(authorizer.allows(Resource::node, "n", Access::read));
}

TEST(AclAuthorizer, TheFallbackDecidesWhereNoRuleDoes) {
  for (Fallback fallback : {Fallback::deny, Fallback::allow, Fallback::manage}) {
    const std::shared_ptr<const Authorizer> authorizer = Authorizer::without_rules(fallback);
    EXPECT_EQ(authorizer->allows(Resource::key, "x", Access::write), fallback != Fallback::deny);
    EXPECT_EQ(authorizer->allows(Resource::operator_, Access::write), fallback != Fallback::deny);
    EXPECT_EQ(authorizer->allows(Resource::acl, Access::read), fallback == Fallback::manage);
    EXPECT_EQ(authorizer->may_snapshot(), fallback == Fallback::manage);
    EXPECT_EQ(authorizer->may_write_keys_below(""), fallback != Fallback::deny);
    EXPECT_EQ(authorizer->may_read_services_below(""), fallback != Fallback::deny);
    EXPECT_EQ(authorizer->allows_all(Resource::service, Access::read), fallback != Fallback::deny);
    EXPECT_EQ(authorizer->allows_any(Resource::service, Access::write), fallback != Fallback::deny);
    EXPECT_EQ(authorizer->intention_default_allow(), fallback != Fallback::deny);
  }
}

TEST(AclAuthorizer, MeshAndPeeringFollowOperatorUntilTheyHaveARule) {
  const Authorizer one = of(R"(operator = "write")");
  EXPECT_TRUE(one.allows(Resource::mesh, Access::write));
  EXPECT_TRUE(one.allows(Resource::peering, Access::write));
  const Authorizer other = of(R"(operator = "write" mesh = "read" peering = "deny")");
  EXPECT_TRUE(other.allows(Resource::mesh, Access::read));
  EXPECT_FALSE(other.allows(Resource::mesh, Access::write));
  EXPECT_FALSE(other.allows(Resource::peering, Access::read));
}

TEST(AclAuthorizer, IntentionsFollowTheirService) {
  const Authorizer authorizer = of(R"(
    service "web" { policy = "write" }
    service "db" { policy = "write" intentions = "write" }
    service "off" { policy = "write" intentions = "deny" }
    service_prefix "no" { policy = "deny" })");
  EXPECT_TRUE(authorizer.allows(Resource::intention, "web", Access::read));
  EXPECT_FALSE(authorizer.allows(Resource::intention, "web", Access::write));
  EXPECT_TRUE(authorizer.allows(Resource::intention, "db", Access::write));
  EXPECT_FALSE(authorizer.allows(Resource::intention, "off", Access::read));
  EXPECT_FALSE(authorizer.allows(Resource::intention, "nothing", Access::read));
  EXPECT_TRUE(authorizer.allows(Resource::intention, "*", Access::read));
  EXPECT_FALSE(authorizer.allows(Resource::intention, "*", Access::write));
  EXPECT_TRUE(of(R"(service_prefix "" { policy = "write" intentions = "write" })")
                  .allows(Resource::intention, "*", Access::write));
}

TEST(AclAuthorizer, AllOfAKindNeedsTheEmptyPrefixAndNoExceptions) {
  EXPECT_TRUE(of(R"(node_prefix "" { policy = "read" })").allows_all(Resource::node, Access::read));
  EXPECT_FALSE(of(R"(node_prefix "" { policy = "read" } node "x" { policy = "deny" })")
                   .allows_all(Resource::node, Access::read));
  EXPECT_FALSE(of(R"(node_prefix "a" { policy = "read" })").allows_all(Resource::node, Access::read));
  EXPECT_TRUE(of(R"(node "x" { policy = "read" })", Fallback::allow).allows_all(Resource::node, Access::read));
  EXPECT_TRUE(of(R"(service "x" { policy = "write" } service_prefix "" { policy = "deny" })")
                  .allows_any(Resource::service, Access::write));
  EXPECT_TRUE(of(R"(service "x" { policy = "write" })").may_read_imported(Resource::node));
  EXPECT_TRUE(of(R"(service_prefix "" { policy = "read" })").may_read_imported(Resource::service));
  EXPECT_FALSE(of(R"(service "x" { policy = "read" })").may_read_imported(Resource::service));
}

TEST(AclAuthorizer, ATreeOfKeysIsWritableIfNothingBelowIsHeldBack) {
  const Authorizer authorizer = of(R"(
    key_prefix "a" { policy = "write" }
    key "a/b/c" { policy = "read" }
    key_prefix "a/d/" { policy = "write" }
    key "e" { policy = "write" })");
  EXPECT_FALSE(authorizer.may_write_keys_below("a"));
  EXPECT_FALSE(authorizer.may_write_keys_below("a/b"));
  EXPECT_TRUE(authorizer.may_write_keys_below("a/d"));
  EXPECT_TRUE(authorizer.may_write_keys_below("a/x"));
  EXPECT_FALSE(authorizer.may_write_keys_below("e"));
  EXPECT_FALSE(authorizer.may_write_keys_below(""));
}

TEST(AclAuthorizer, ExplainsWhichRuleOfWhichPolicyDecided) {
  const Rules one = *parse_rules(R"(key_prefix "a" { policy = "write" } operator = "read")");
  const Rules other = *parse_rules(R"(key "a\"b" { policy = "deny" })");
  const Authorizer authorizer(merge({&one, &other}), Fallback::deny);
  Verdict verdict = authorizer.explain(Resource::key, "a\"b", Access::read);
  EXPECT_FALSE(verdict.allowed);
  EXPECT_EQ(verdict.rule, R"(key "a\"b")");
  EXPECT_EQ(verdict.access, Access::deny);
  EXPECT_EQ(verdict.policy, 1U);
  verdict = authorizer.explain(Resource::key, "ab", Access::write);
  EXPECT_TRUE(verdict.allowed);
  EXPECT_EQ(verdict.rule, R"(key_prefix "a")");
  verdict = authorizer.explain(Resource::mesh, "", Access::write);
  EXPECT_FALSE(verdict.allowed);
  EXPECT_EQ(verdict.rule, "operator");
  verdict = authorizer.explain(Resource::node, "x", Access::read);
  EXPECT_FALSE(verdict.allowed);
  EXPECT_EQ(verdict.rule, "");
}

TEST(AclAuthorizer, QuestionsInWordsNameWhatTheyDoNotKnow) {
  const Authorizer authorizer = of(R"(key_prefix "" { policy = "write" })");
  EXPECT_EQ(authorize(authorizer, "key", "x", "write-prefix").value(), true);
  EXPECT_EQ(authorize(authorizer, "acl", "", "read").value(), false);
  EXPECT_EQ(authorize(authorizer, "node", "x", "list").error().detail, "Invalid access level for node resource: list");
  EXPECT_EQ(authorize(authorizer, "nodes", "x", "read").error().detail, "Invalid ACL resource requested: \"nodes\"");
}

/// What the language says, rule by rule and without any order.
struct Model {
  std::vector<Rule> rules;

  const Rule* longest(std::string_view name) const {
    const Rule* found = nullptr;
    for (const Rule& rule : rules) {
      if (rule.prefix && name.starts_with(rule.name) && (!found || rule.name.size() > found->name.size()))
        found = &rule;
    }
    return found;
  }
  bool allows(std::string_view name, Access access) const {
    const Rule* found = longest(name);
    for (const Rule& rule : rules) {
      if (!rule.prefix && rule.name == name) found = &rule;
    }
    return found && found->access != Access::deny && found->access >= access;
  }
  bool may_write_below(std::string_view prefix) const {
    const Rule* found = longest(prefix);
    if (!found || found->access != Access::write) return false;
    return std::ranges::all_of(
        rules, [&](const Rule& rule) { return !rule.name.starts_with(prefix) || rule.access == Access::write; });
  }
};

TEST(AclAuthorizer, AnswersAsTheModelOfTheLanguageDoes) {
  std::mt19937 random(4711);
  const auto name = [&] {
    std::string text(random() % 6, ' ');
    for (char& c : text) c = "ab/"[random() % 3];
    return text;
  };
  for (int round = 0; round < 500; ++round) {
    Rules policy;
    for (std::size_t i = random() % 12; i > 0; --i) {
      policy.named[std::to_underlying(Resource::key)].push_back(
          {.name = name(), .prefix = random() % 2 == 0, .access = static_cast<Access>(1 + random() % 4)});
    }
    const Rules merged = merge({&policy});
    const Model model{merged.named[std::to_underlying(Resource::key)]};
    const Authorizer authorizer(merged, Fallback::deny);
    for (int question = 0; question < 60; ++question) {
      const std::string asked = name();
      for (Access access : {Access::read, Access::list, Access::write}) {
        ASSERT_EQ(authorizer.allows(Resource::key, asked, access), model.allows(asked, access))
            << round << " " << asked;
      }
      ASSERT_EQ(authorizer.may_write_keys_below(asked), model.may_write_below(asked)) << round << " " << asked;
    }
  }
}

}  // namespace
}  // namespace proconsul::acl
