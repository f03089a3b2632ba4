#include "agent/http/request_limits.h"

#include <gtest/gtest.h>

namespace proconsul::agent::http {
namespace {

using namespace std::chrono_literals;
using Mode = RequestLimits::Mode;
constexpr TokenBucket::Clock::time_point kStart{1h};

int status_of(RequestLimits& limits, std::string_view rpc, bool writes, bool leads,
              TokenBucket::Clock::time_point now = kStart) {
  const std::optional<Reply> refusal = limits.refuse(rpc, writes, leads, "127.0.0.1:1", now);
  return refusal ? refusal->status : 200;
}

TEST(TokenBucket, LetsABurstThroughAndThenItsRate) {
  TokenBucket bucket;
  bucket.set(2, 3);

  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.take(kStart));
  EXPECT_FALSE(bucket.take(kStart));
  EXPECT_FALSE(bucket.take(kStart + 400ms));
  EXPECT_TRUE(bucket.take(kStart + 600ms));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.take(kStart + 1h));
  EXPECT_FALSE(bucket.take(kStart + 1h));
}

TEST(TokenBucket, IsUnlimitedByDefaultAndShutAtARateOfZero) {
  TokenBucket open, shut;
  shut.set(0, 0);

  EXPECT_TRUE(open.take(kStart));
  EXPECT_FALSE(shut.take(kStart));
  EXPECT_FALSE(shut.take(kStart + 1h));
}

TEST(RequestLimits, RefusesByKindAndSaysWhereToTryAgain) {
  RequestLimits limits;
  limits.set({.mode = Mode::enforcing, .read_rate = 0, .write_rate = 0});

  EXPECT_EQ(status_of(limits, "KVS.Get", false, true), 429);
  EXPECT_EQ(status_of(limits, "KVS.Apply", true, true), 503);
  EXPECT_EQ(status_of(limits, "KVS.Apply", true, false), 429);
  EXPECT_EQ(status_of(limits, "", false, true), 200);
  EXPECT_EQ(status_of(limits, "Operator.RaftGetConfiguration", false, true), 200);
  EXPECT_EQ(status_of(limits, "Status.Leader", false, true), 200);
}

TEST(RequestLimits, TenSecondsWorthPassAtOnce) {
  RequestLimits limits;
  limits.set({.mode = Mode::enforcing, .read_rate = 1});

  for (int i = 0; i < 10; ++i) EXPECT_EQ(status_of(limits, "KVS.Get", false, true), 200);
  EXPECT_EQ(status_of(limits, "KVS.Get", false, true), 429);
  EXPECT_EQ(status_of(limits, "KVS.Apply", true, true), 200);
  EXPECT_EQ(status_of(limits, "KVS.Get", false, true, kStart + 1100ms), 200);
}

TEST(RequestLimits, PermissiveOnlyCounts) {
  RequestLimits limits;
  limits.set({.mode = Mode::permissive, .read_rate = 0});

  EXPECT_EQ(status_of(limits, "KVS.Get", false, true), 200);
}

TEST(RequestLimits, TheAgentsOwnRateCountsEveryCall) {
  RequestLimits limits;
  limits.set({.rpc_rate = 1, .rpc_burst = 2});

  EXPECT_EQ(status_of(limits, "Status.Leader", false, true), 200);
  EXPECT_EQ(status_of(limits, "KVS.Get", false, true), 200);
  EXPECT_EQ(status_of(limits, "KVS.Get", false, true), 429);
  limits.set({});
  EXPECT_EQ(status_of(limits, "KVS.Get", false, true), 200);
}

TEST(RequestLimits, CallsOfPeersCountWithThoseOfClientsButNotAsThisAgentsOwn) {
  RequestLimits limits;
  limits.set({.mode = RequestLimits::Mode::enforcing, .read_rate = 1, .write_rate = 1, .rpc_rate = 0, .rpc_burst = 0});

  for (int i = 0; i < 10; ++i) EXPECT_TRUE(limits.refuse_call("KVS.Get", false, true, "peer", kStart));
  EXPECT_EQ(limits.refuse_call("KVS.Get", false, true, "peer", kStart).error().detail,
            "rate limit exceeded, try again later or against a different server");
  EXPECT_TRUE(limits.refuse_call("Status.Ping", false, true, "peer", kStart));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(limits.refuse_call("KVS.Apply", true, true, "peer", kStart));
  EXPECT_EQ(limits.refuse_call("KVS.Apply", true, true, "peer", kStart).error().detail,
            "rate limit exceeded for operation that can only be performed by the leader, try again later");
  EXPECT_EQ(limits.refuse_call("KVS.Apply", true, false, "peer", kStart).error().detail,
            "rate limit exceeded, try again later or against a different server");
}

}  // namespace
}  // namespace proconsul::agent::http
