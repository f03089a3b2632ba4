#include "agent/auth/login_limits.h"

#include <gtest/gtest.h>

namespace proconsul::agent::auth {
namespace {

using namespace std::chrono_literals;
const auto kStart = base::TokenBucket::Clock::time_point() + 1h;

TEST(LoginLimits, WithoutLimitsEverybodyMay) {
  LoginLimits limits({});

  for (int i = 0; i < 100; ++i) EXPECT_TRUE(limits.may_try("m", kStart));
  EXPECT_TRUE(limits.place("m", [](std::size_t) { return std::size_t{1'000'000}; }));
}

TEST(LoginLimits, OneMethodsLoginsDoNotHoldUpAnothers) {
  LoginLimits limits({.rate = 1, .burst = 2});

  EXPECT_TRUE(limits.may_try("m", kStart) && limits.may_try("m", kStart));
  const base::Result<> third = limits.may_try("m", kStart);
  EXPECT_TRUE(limits.may_try("n", kStart));
  EXPECT_TRUE(limits.may_try("m", kStart + 1s));

  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().detail,
            "too many logins by the auth method \"m\": rate limit exceeded, "
            "try again later or against a different "
            "server");
}

TEST(LoginLimits, TokensThatAreBeingMadeCount) {
  LoginLimits limits({.most_tokens = 3});
  const auto one = [](std::size_t) { return std::size_t{1}; };

  base::Result<LoginLimits::Place> first = limits.place("m", one), second = limits.place("m", one);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(limits.place("m", one).error().code, base::Errc::permission_denied);
  first->reset();  // it failed

  EXPECT_TRUE(limits.place("m", one));
}

}  // namespace
}  // namespace proconsul::agent::auth
