#include "acl/parsed_rules.h"

#include <gtest/gtest.h>

namespace proconsul::acl {
namespace {

TEST(ParsedRules, TheSameTextIsParsedOnce) {
  ParsedRules parsed(1 << 20);
  const auto first = parsed.of(R"(key "a" { policy = "read" })");
  ASSERT_TRUE(first);
  EXPECT_EQ((*first)->named[static_cast<std::size_t>(Resource::key)].front().name, "a");
  EXPECT_EQ(*parsed.of(R"(key "a" { policy = "read" })"), *first);
  const auto other = parsed.of(R"(key "b" { policy = "read" })");
  EXPECT_EQ((*other)->named[static_cast<std::size_t>(Resource::key)].front().name, "b");
  EXPECT_EQ(parsed.size(), 2u);
}

TEST(ParsedRules, MistakesAreNotKept) {
  ParsedRules parsed(1 << 20);
  const auto wrong = parsed.of(R"(acl = "most")");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().detail, parse_rules(R"(acl = "most")").error().detail);
  EXPECT_EQ(parsed.size(), 0u);
}

TEST(ParsedRules, TheirMemoryIsLimited) {
  ParsedRules parsed(10'000);
  std::shared_ptr<const Rules> kept;
  for (int i = 0; i < 1000; ++i) {
    const auto rules = parsed.of("key \"" + std::to_string(i) + "\" { policy = \"read\" }");
    ASSERT_TRUE(rules);
    if (i == 0) kept = *rules;
  }
  EXPECT_LT(parsed.size(), 20u);
  EXPECT_EQ(kept->named[static_cast<std::size_t>(Resource::key)].front().name, "0") << "whoever has them keeps them";
  ASSERT_TRUE(parsed.of("# " + std::string(20'000, 'x')));
  EXPECT_GT(parsed.size(), 0u) << "one that is too big drives nobody out";
}

}  // namespace
}  // namespace proconsul::acl
