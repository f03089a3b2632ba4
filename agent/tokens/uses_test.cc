#include "agent/tokens/uses.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace proconsul::agent::tokens {
namespace {

class UsesTest : public ::testing::Test {
 protected:
  static constexpr std::int64_t kStart = 1'700'000'000;
  static std::vector<Uses::Use> sorted(std::vector<Uses::Use> uses) {
    std::ranges::sort(uses, {}, &Uses::Use::accessor);
    return uses;
  }
  base::ManualClock clock{};
  Uses uses{clock};
};

TEST_F(UsesTest, TellsWhatWasUsedSinceItWasAskedLast) {
  const Uses::Mark a = uses.mark("a");
  uses.note(a);
  const Uses::Changes first = uses.changes(0);
  clock.advance(base::seconds(5));
  uses.note(uses.mark("b"));

  const Uses::Changes second = uses.changes(first.last);

  EXPECT_EQ(first.uses, (std::vector<Uses::Use>{{"a", kStart}}));
  EXPECT_EQ(second.uses, (std::vector<Uses::Use>{{"b", kStart + 5}}));
  EXPECT_TRUE(uses.changes(second.last).uses.empty());
  EXPECT_EQ(uses.changes(0).uses.size(), 2u);
}

TEST_F(UsesTest, AMarkIsNoUseBeforeItIsNoted) {
  const Uses::Mark a = uses.mark("a");

  EXPECT_TRUE(uses.changes(0).uses.empty());
  EXPECT_EQ(uses.mark("a"), a);
  EXPECT_EQ(uses.mark(""), nullptr);
}

TEST_F(UsesTest, TheLaterOfTwoUsesStaysAndTheFutureIsNotBelieved) {
  uses.note(uses.mark("a"));

  uses.merge({{"a", kStart - 100}, {"b", kStart - 7}, {"c", kStart + 1'000'000}, {"d", -5}});

  EXPECT_EQ(sorted(uses.changes(0).uses), (std::vector<Uses::Use>{{"a", kStart}, {"b", kStart - 7}, {"c", kStart}}));
}

TEST_F(UsesTest, WhatIsNoTokenAnyMoreIsForgotten) {
  uses.merge({{"a", kStart}, {"b", kStart}});

  uses.keep([](std::string_view accessor) { return accessor == "b"; });

  EXPECT_EQ(uses.changes(0).uses, (std::vector<Uses::Use>{{"b", kStart}}));
}

TEST_F(UsesTest, IsAsCompleteAsTheServerThatKnowsMost) {
  EXPECT_EQ(uses.since(), kStart);

  uses.complete_since(kStart - 60);
  uses.complete_since(kStart + 60);

  EXPECT_EQ(uses.since(), kStart - 60);
}

}  // namespace
}  // namespace proconsul::agent::tokens
