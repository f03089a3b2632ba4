#include "gossip/alarms.h"

#include <gtest/gtest.h>

#include <string>

namespace proconsul::gossip {
namespace {

TEST(Alarms, RunInOrderOfTimeAndThenOfSetting) {
  base::ManualClock clock;
  Alarms alarms(clock);
  std::string ran;
  alarms.after(base::seconds(2), [&] { ran += 'c'; });
  alarms.after(base::seconds(1), [&] { ran += 'a'; });
  alarms.after(base::seconds(1), [&] { ran += 'b'; });

  alarms.run_due();
  EXPECT_EQ(ran, "");
  clock.advance(base::seconds(2));
  alarms.run_due();

  EXPECT_EQ(ran, "abc");
  EXPECT_FALSE(alarms.next());
}

TEST(Alarms, WhatATaskSetsForNowWaitsForTheNextRun) {
  base::ManualClock clock;
  Alarms alarms(clock);
  int runs = 0;
  std::function<void()> again = [&] {
    ++runs;
    alarms.after({}, [&] { again(); });
  };
  alarms.after({}, [&] { again(); });

  alarms.run_due();

  EXPECT_EQ(runs, 1);
  EXPECT_EQ(alarms.next(), clock.now());
}

TEST(Alarms, ACancelledOneNeverRunsAndAnEarlierOneIsTold) {
  base::ManualClock clock;
  Alarms alarms(clock);
  int told = 0;
  alarms.when_earlier([&] { ++told; });
  bool ran = false;
  const Alarms::Id id = alarms.after(base::seconds(1), [&] { ran = true; });
  alarms.after(base::seconds(2), [] {});
  EXPECT_EQ(told, 1);

  alarms.cancel(id);
  clock.advance(base::seconds(3));
  alarms.run_due();

  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace proconsul::gossip
