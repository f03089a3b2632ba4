#include "agent/server/mass_failure_brake.h"

#include <gtest/gtest.h>

namespace proconsul::agent::server {
namespace {

using Change = MassFailureBrake::Change;

class MassFailureBrakeTest : public ::testing::Test {
 protected:
  MassFailureBrakeTest() { brake_.set({.enabled = true}); }
  void fail(int first, int count) {
    for (int i = first; i < first + count; ++i) brake_.failed("n" + std::to_string(i), now_);
  }
  void over(int first, int count) {
    for (int i = first; i < first + count; ++i) brake_.over("n" + std::to_string(i));
  }
  bool holds(int number) const { return brake_.holds("n" + std::to_string(number)); }
  void pass(int seconds) { now_ = now_ + base::seconds(seconds); }

  MassFailureBrake brake_{};
  base::MonotonicTime now_{1'000'000'000'000};
};

TEST_F(MassFailureBrakeTest, SingleFailuresPass) {
  fail(1, 1);

  EXPECT_EQ(brake_.weigh(99, 0, now_), Change::none);

  EXPECT_FALSE(holds(1));
  EXPECT_FALSE(brake_.due());
}

TEST_F(MassFailureBrakeTest, OffByDefault) {
  brake_.set({});
  fail(1, 90);
  EXPECT_EQ(brake_.weigh(10, 0, now_), Change::none);
  EXPECT_FALSE(holds(1));
}

TEST_F(MassFailureBrakeTest, ManyAtOnceAreHeldAndThoseWhoStayFailedPassWhenTheOthersAreBack) {
  fail(1, 40);
  EXPECT_EQ(brake_.weigh(60, 0, now_), Change::engaged);
  EXPECT_TRUE(holds(1));
  EXPECT_EQ(brake_.state().held, 40u);
  EXPECT_EQ(brake_.state().members, 100u);

  // Longer than the window: who is held counts all the time.
  pass(120);
  EXPECT_EQ(brake_.weigh(60, 0, now_), Change::none);
  EXPECT_TRUE(holds(1));

  over(1, 38);
  EXPECT_EQ(brake_.weigh(98, 0, now_), Change::released);
  EXPECT_FALSE(holds(39));
  EXPECT_FALSE(holds(40));
}

TEST_F(MassFailureBrakeTest, SuspectsCountSoThatNotEvenTheFirstIsMarked) {
  fail(1, 1);
  EXPECT_EQ(brake_.weigh(99, 30, now_), Change::engaged);
  EXPECT_TRUE(holds(1));

  EXPECT_EQ(brake_.weigh(99, 3, now_), Change::released);
  EXPECT_FALSE(holds(1));
}

TEST_F(MassFailureBrakeTest, SuspicionAloneIsNothingToTell) {
  EXPECT_EQ(brake_.weigh(100, 50, now_), Change::none);
  EXPECT_FALSE(brake_.state().engaged);
  EXPECT_FALSE(brake_.due());
}

TEST_F(MassFailureBrakeTest, AWaveThatCreepsIsStoppedWithinTheWindow) {
  int marked = 0;
  for (int i = 0; i < 40; ++i) {
    fail(i, 1);
    brake_.weigh(static_cast<std::size_t>(99 - i), 0, now_);
    if (!holds(i)) ++marked;
    pass(1);
  }
  EXPECT_EQ(marked, 20);
}

TEST_F(MassFailureBrakeTest, FailuresFarFromEachOtherPass) {
  for (int i = 0; i < 40; ++i) {
    fail(i, 1);
    EXPECT_EQ(brake_.weigh(static_cast<std::size_t>(99 - i), 0, now_), Change::none);
    pass(10);
  }
}

TEST_F(MassFailureBrakeTest, NobodyIsHeldForLongerThanAllowed) {
  fail(1, 40);
  brake_.weigh(60, 0, now_);
  pass(599);
  EXPECT_EQ(brake_.weigh(60, 0, now_), Change::none);
  pass(1);

  EXPECT_EQ(brake_.weigh(60, 0, now_), Change::expired);

  EXPECT_FALSE(holds(1));
  fail(1, 40);  // found once more by the comparison of all
  EXPECT_EQ(brake_.weigh(60, 0, now_), Change::none);
  EXPECT_FALSE(holds(1));
  // It is back, and fails with others again: that is another failure.
  over(1, 40);
  fail(1, 40);
  EXPECT_EQ(brake_.weigh(60, 0, now_), Change::engaged);
}

TEST_F(MassFailureBrakeTest, FewAreNoMassInASmallPool) {
  fail(1, 2);
  EXPECT_EQ(brake_.weigh(3, 0, now_), Change::none);
  EXPECT_FALSE(holds(1));
}

TEST_F(MassFailureBrakeTest, SwitchedOffItLetsGo) {
  fail(1, 40);
  brake_.weigh(60, 0, now_);

  brake_.set({});

  EXPECT_EQ(brake_.weigh(60, 0, now_), Change::released);
  EXPECT_FALSE(holds(1));
}

}  // namespace
}  // namespace proconsul::agent::server
