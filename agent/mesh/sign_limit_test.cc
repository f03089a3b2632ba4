#include "agent/mesh/sign_limit.h"

#include <gtest/gtest.h>

namespace proconsul::agent::mesh {
namespace {

base::MonotonicTime at(std::int64_t ms) {
  return base::MonotonicTime{} + base::seconds(1000) + base::milliseconds(ms);
}

TEST(SignLimit, WhoComesTooEarlyWaitsForHisTurnButNotForLong) {
  SignLimit limit;

  EXPECT_EQ(limit.take(10, at(0)), base::Duration{});
  for (int i = 1; i <= 5; ++i) EXPECT_EQ(limit.take(10, at(0)), base::milliseconds(100 * i));
  EXPECT_EQ(limit.take(10, at(0)), std::nullopt);
  EXPECT_EQ(limit.take(10, at(100)), base::milliseconds(500));
  EXPECT_EQ(limit.take(10, at(100)), std::nullopt);
  EXPECT_EQ(limit.take(10, at(5000)), base::Duration{});
}

TEST(SignLimit, AnotherRateBeginsAnew) {
  SignLimit limit;
  EXPECT_EQ(limit.take(1, at(0)), base::Duration{});
  EXPECT_EQ(limit.take(1, at(0)), std::nullopt);

  EXPECT_EQ(limit.take(100, at(0)), base::Duration{});
  EXPECT_EQ(limit.take(0, at(0)), base::Duration{});
}

TEST(SignLimit, SoManyAtOnceAndNoMore) {
  SignLimit limit;
  EXPECT_TRUE(limit.enter(2));
  EXPECT_TRUE(limit.enter(2));
  EXPECT_FALSE(limit.enter(2));

  limit.leave();

  EXPECT_TRUE(limit.enter(2));
  EXPECT_TRUE(limit.enter(0));
}

}  // namespace
}  // namespace proconsul::agent::mesh
