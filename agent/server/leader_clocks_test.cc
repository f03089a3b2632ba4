#include "agent/server/leader_clocks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace proconsul::agent::server {
namespace {

using base::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

catalog::Session session(std::string id, std::string ttl) {
  catalog::Session session{};
  session.ID = std::move(id);
  session.TTL = std::move(ttl);
  return session;
}

class LeaderClocksTest : public testing::Test {
 protected:
  base::ManualClock clock_{};
  LeaderClocks clocks_{clock_};
};

TEST_F(LeaderClocksTest, ASessionEndsAfterTwiceItsTtlUnlessRenewed) {
  clocks_.start({}, 1);
  clocks_.restart_session(session("a", "10s"));
  clocks_.restart_session(session("b", "10s"));

  clock_.advance(seconds(15));
  clocks_.restart_session(session("b", "10s"));
  clock_.advance(seconds(5));

  EXPECT_THAT(clocks_.take_expired().sessions, ElementsAre("a"));
}

TEST_F(LeaderClocksTest, SessionsWithoutTtlAndSessionsOfFollowersHaveNoTimer) {
  clocks_.restart_session(session("follower", "10s"));
  clocks_.start({}, 1);
  clocks_.restart_session(session("endless", ""));
  clocks_.restart_session(session("zero", "0s"));

  EXPECT_EQ(clocks_.timed_sessions(), 0u);
}

TEST_F(LeaderClocksTest, ALockDelayEndsByItself) {
  catalog::Effects effects;
  effects.lock_delays.push_back({"key", seconds(15)});

  clocks_.note(effects);

  EXPECT_TRUE(clocks_.lock_delayed("key"));
  EXPECT_FALSE(clocks_.lock_delayed("other"));
  clock_.advance(seconds(15));
  EXPECT_FALSE(clocks_.lock_delayed("key"));
}

TEST_F(LeaderClocksTest, TombstonesAreReapedAfterTheirLifetimeByTheLeaderOnly) {
  catalog::Effects effects;
  effects.tombstone_index = 7;
  clocks_.note(effects);
  EXPECT_FALSE(clocks_.earliest());

  clocks_.start({}, 9);
  clock_.advance(TombstoneClock::kLifetime + TombstoneClock::kSlice);

  EXPECT_EQ(clocks_.take_expired().tombstone_index, 9u);
}

TEST_F(LeaderClocksTest, AFailedEndIsTriedAgain) {
  clocks_.start({}, 1);
  clocks_.restart_session(session("a", "10s"));
  clock_.advance(seconds(20));
  ASSERT_THAT(clocks_.take_expired().sessions, ElementsAre("a"));

  clocks_.retry_session("a");

  EXPECT_THAT(clocks_.take_expired().sessions, IsEmpty());
  clock_.advance(seconds(10));
  EXPECT_THAT(clocks_.take_expired().sessions, ElementsAre("a"));
}

}  // namespace
}  // namespace proconsul::agent::server
