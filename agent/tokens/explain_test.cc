#include "agent/tokens/explain.h"

#include <gtest/gtest.h>

#include "agent/tokens/compile.h"
#include "base/json.h"
#include "catalog/acl/builtin.h"

namespace proconsul::agent::tokens {
namespace {

Who who(std::string rules, bool default_allow = false, std::string accessor = "a1") {
  catalog::ACLPolicy policy;
  policy.ID = "p1";
  policy.Name = "app";
  policy.Rules = std::move(rules);
  Compiler compiler(default_allow);
  return {.accessor = std::move(accessor), .permissions = *compiler.compile({policy})};
}

TEST(Explain, NamesTheRuleAndThePolicyThatDecided) {
  const Who reader = who(R"(key_prefix "app/" { policy = "read" } operator = "read")");

  const base::Result<Explanation> write = explain(reader, "key:write", "app/x");
  const base::Result<Explanation> operate = explain(reader, "operator:read", "");

  ASSERT_TRUE(write && operate);
  EXPECT_EQ(base::to_json(*write), R"({"Allow":false,"AccessorID":"a1","Permission":"key:write","Name":"app/x",)"
                                   R"("Rule":"key_prefix \"app/\"","Grants":"read","Policy":"app"})");
  EXPECT_TRUE(operate->Allow);
  EXPECT_EQ(operate->Rule, "operator");
}

TEST(Explain, WithoutARuleTheDefaultDecides) {
  EXPECT_EQ(explain(who(""), "node:read", "n1")->Default, "deny");
  EXPECT_EQ(explain(who("", true), "node:read", "n1")->Default, "allow");
  EXPECT_TRUE(explain(who("", true), "node:read", "n1")->Allow);
}

TEST(Explain, RefusesWhatIsNoPermission) {
  for (const char* permission : {"key", "key:", "keys:read", "node:list", ""}) {
    EXPECT_FALSE(explain(who(""), permission, "x")) << permission;
  }
}

TEST(Explain, ReadsWhatIsMissingFromTheTextOfADenial) {
  const auto round = [](const Who& asking, acl::Resource resource, std::optional<std::string_view> name,
                        acl::Access access) { return missing(denied(asking, resource, name, access).detail); };

  const auto key = round(who(""), acl::Resource::key, R"(a" b)", acl::Access::write);
  const auto anonymous =
      round(who("", false, std::string(catalog::kAnonymousAccessor)), acl::Resource::node, "n1", acl::Access::read);
  const auto all = missing("rpc error: Permission denied: token with AccessorID 'x' lacks permission 'acl:read'");

  ASSERT_TRUE(key && anonymous && all);
  EXPECT_EQ(key->accessor, "a1");
  EXPECT_EQ(key->permission, "key:write");
  EXPECT_EQ(key->name, R"(a" b)");
  EXPECT_EQ(anonymous->accessor, "");
  EXPECT_EQ(anonymous->name, "n1");
  EXPECT_EQ(all->permission, "acl:read");
  EXPECT_EQ(all->name, "");
  for (const char* text : {"", "Permission denied", "ACL not found", "Permission denied: token with AccessorID 'x",
                           "Permission denied: anonymous token lacks permission 'x"}) {
    EXPECT_FALSE(missing(text)) << text;
  }
}

}  // namespace
}  // namespace proconsul::agent::tokens
