#include "agent/rpc/retry.h"

#include <gtest/gtest.h>

#include "agent/rpc/types.h"

namespace proconsul::agent::rpc {
namespace {

using base::Errc;
using base::Error;
using base::net::Clock;
using namespace std::chrono_literals;

constexpr Clock::time_point kStart{1h};
constexpr Method kRead{.name = "KVS.Get", .flags = kReads};
constexpr Method kWrite{.name = "KVS.Apply"};
const CallTimes kTimes{};  // hold for 7 s

using Read = TypedInvocation<DCSpecificRequest, IndexedSessions>;
using Write = TypedInvocation<catalog::KVSRequest, bool>;
using Pause = std::optional<Clock::duration>;

Pause first(const Method& method, Retry::Of whom, const Invocation& call, const char* error,
            Clock::duration later = {}) {
  base::SeededRandom random(1);
  return Retry(kTimes, method, whom, kStart).after({Errc::internal, error}, call, kStart + later, random);
}

TEST(Retry, AMissingLeaderIsWaitedForAsLongAsTheHoldTimeout) {
  EXPECT_TRUE(first(kWrite, Retry::Of::any_server, Write(), "rpc error making call: No cluster leader", 7s));
  EXPECT_FALSE(first(kWrite, Retry::Of::any_server, Write(), "rpc error making call: No cluster leader", 7001ms));
}

TEST(Retry, ABlockingQueryHasItsOwnTimeBesides) {
  Read read;
  read.request.MinQueryIndex = 7;
  read.request.MaxQueryTime = base::seconds(20);

  EXPECT_TRUE(first(kRead, Retry::Of::any_server, read, "rpc error making call: EOF", 27s));
  EXPECT_FALSE(first(kRead, Retry::Of::any_server, read, "rpc error making call: EOF", 27001ms));
}

TEST(Retry, ALostConnectionIsNoReasonToWriteTwice) {
  EXPECT_TRUE(first(kRead, Retry::Of::any_server, Read(), "rpc error making call: EOF"));
  EXPECT_FALSE(first(kWrite, Retry::Of::any_server, Write(), "rpc error making call: EOF"));
}

TEST(Retry, WhatWasNeverSentIsSentAgain) {
  EXPECT_TRUE(first(kWrite, Retry::Of::any_server, Write(), "rpc error getting client: failed to get conn: refused"));
}

TEST(Retry, AnOverloadedServerSaysWhetherAnotherMayDo) {
  const char* elsewhere = "rate limit exceeded, try again later or against a different server";
  const char* later = "rate limit exceeded for operation that can only be performed by the leader, try again later";

  EXPECT_TRUE(first(kWrite, Retry::Of::any_server, Write(), elsewhere));
  EXPECT_FALSE(first(kWrite, Retry::Of::any_server, Write(), later));
  EXPECT_FALSE(first(kWrite, Retry::Of::the_leader, Write(), elsewhere));
  EXPECT_TRUE(first(kWrite, Retry::Of::the_leader, Write(), later));
}

TEST(Retry, PausesGrow) {
  base::SeededRandom random(3);
  Retry retry(kTimes, kRead, Retry::Of::any_server, kStart);
  Clock::duration last{-1};

  for (int attempt = 0; attempt < 4; ++attempt) {
    const Pause pause = retry.after({Errc::no_leader, "No cluster leader"}, Read(), kStart, random);
    ASSERT_TRUE(pause);
    EXPECT_GT(*pause, last);
    EXPECT_LE(*pause, 7000ms / 16 * (1 << attempt));
    last = *pause;
  }
}

}  // namespace
}  // namespace proconsul::agent::rpc
