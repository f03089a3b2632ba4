#include "agent/local/sync_schedule.h"

#include <gtest/gtest.h>

namespace proconsul::agent::local {
namespace {

using base::Duration;
using base::milliseconds;
using base::MonotonicTime;
using base::seconds;

constexpr MonotonicTime kNow{1'000'000'000'000};

class SyncScheduleTest : public testing::Test {
 protected:
  Duration wait(const SyncSchedule& schedule) const { return schedule.next() - kNow; }
  base::SeededRandom random{11};
  SyncSchedule near{{}, random}, far{{.far = true}, random};
};

TEST_F(SyncScheduleTest, TheFirstComparisonIsDueAtOnce) {
  EXPECT_LT(near.next(), kNow);
}

TEST_F(SyncScheduleTest, ComparisonsSpreadOverASecondInterval) {
  Duration least = seconds(1000), most{};
  for (int i = 0; i < 1000; ++i) {
    far.compared(kNow, 3);
    least = std::min(least, wait(far));
    most = std::max(most, wait(far));
  }

  EXPECT_GE(least, seconds(60));
  EXPECT_LT(least, seconds(61));
  EXPECT_GT(most, seconds(119));
  EXPECT_LT(most, seconds(120));
}

TEST_F(SyncScheduleTest, ManyNodesSpreadWider) {
  EXPECT_EQ(SyncSchedule::spread(1), 1);
  EXPECT_EQ(SyncSchedule::spread(128), 1);
  EXPECT_EQ(SyncSchedule::spread(129), 2);
  EXPECT_EQ(SyncSchedule::spread(256), 2);
  EXPECT_EQ(SyncSchedule::spread(257), 3);
  EXPECT_EQ(SyncSchedule::spread(10'000), 8);
}

TEST_F(SyncScheduleTest, WithAServerInTheProcessRetriesComeSoonAndThenRarely) {
  near.failed(kNow, 1, true);
  EXPECT_EQ(wait(near), milliseconds(40));
  for (int i = 0; i < 20; ++i) near.failed(kNow, 1, true);
  EXPECT_EQ(wait(near), seconds(15));

  near.told();
  near.failed(kNow, 1, true);

  EXPECT_EQ(wait(near), milliseconds(40));
}

TEST_F(SyncScheduleTest, WithServersElsewhereRetriesWaitFifteenSecondsOrMore) {
  for (int i = 0; i < 100; ++i) {
    far.failed(kNow, 1, true);
    EXPECT_GE(wait(far), seconds(15));
    EXPECT_LT(wait(far), seconds(30));
  }
}

TEST_F(SyncScheduleTest, AServerThatComesIsAskedSoonButNotLaterThanPlanned) {
  far.failed(kNow, 1, true);
  far.server_up(kNow, 1);
  EXPECT_LT(wait(far), seconds(3));

  far.at_once(kNow);
  far.server_up(kNow, 1);
  EXPECT_EQ(far.next(), kNow);
}

TEST_F(SyncScheduleTest, WhatIsWantedDuringAComparisonIsNotForgottenAtItsEnd) {
  near.begun();
  near.at_once(kNow);
  near.compared(kNow, 1);
  EXPECT_EQ(near.next(), kNow);

  far.begun();
  far.server_up(kNow, 1);
  far.failed(kNow, 1, true);
  EXPECT_LT(wait(far), seconds(3));

  near.begun();
  near.compared(kNow, 1);
  EXPECT_GE(wait(near), seconds(60));
}

}  // namespace
}  // namespace proconsul::agent::local
