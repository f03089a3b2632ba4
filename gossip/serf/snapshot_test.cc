#include "gossip/serf/snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gossip/serf/fake_membership.h"

namespace proconsul::gossip::serf {
namespace {

const base::log::Logger kLog("serf.test");

TEST(SerfSnapshot, LaterLinesWin) {
  const SnapshotState state = read_snapshot(
      "# made by hand\n"
      "alive: srv1 127.0.0.1:8301\n"
      "alive: a name with spaces [::1]:8301\n"
      "alive: srv2 127.0.0.2:8301\n"
      "not-alive: srv2\n"
      "clock: 7\nclock: x\nevent-clock: 2\nquery-clock: 3\n"
      "coordinate: {\"Vec\":[1]}\n"
      "alive: nowhere\nwhat is this\n",
      false, kLog);

  EXPECT_EQ(state.alive,
            (std::map<std::string, std::string>{{"srv1", "127.0.0.1:8301"}, {"a name with spaces", "[::1]:8301"}}));
  EXPECT_EQ(state.clock, 7u);
  EXPECT_EQ(state.event_clock, 2u);
  EXPECT_EQ(state.query_clock, 3u);
}

TEST(SerfSnapshot, WhoLeftKnowsNobodyUnlessItShallRejoin) {
  const std::string text = "alive: srv1 127.0.0.1:8301\nclock: 7\nleave\n";

  EXPECT_TRUE(read_snapshot(text, false, kLog).alive.empty());
  EXPECT_EQ(read_snapshot(text, false, kLog).clock, 0u);
  EXPECT_EQ(read_snapshot(text, true, kLog).alive.size(), 1u);
  EXPECT_EQ(read_snapshot(text, true, kLog).clock, 7u);
}

TEST(SerfSnapshot, EventsBecomeLinesAndComeBack) {
  LoneNode self({}, nullptr, "", true);
  self.add("srv1", 2);
  self.add("srv2", 3);
  self.serf->node_left(node_named("srv2", 3));
  self.hear(MessageType::join, JoinIntent{.LTime = 6, .Node = "srv1"});
  self.hear(MessageType::user_event, UserEventMessage{.LTime = 3, .Name = "e"});
  self.hear(MessageType::query, Query{.LTime = 4, .Name = "q"});

  self.pass(base::seconds(1));

  EXPECT_EQ(self.store.content,
            "alive: self 10.0.0.1:8301\n"
            "alive: srv1 10.0.0.2:8301\n"
            "alive: srv2 10.0.0.3:8301\n"
            "not-alive: srv2\n"
            "event-clock: 3\nquery-clock: 4\nclock: 6\n");
  LoneNode again({}, nullptr, self.store.content, true);
  EXPECT_EQ(again.serf->stats().member_time, 7u);
  EXPECT_EQ(again.serf->stats().event_time, 4u);
  again.settle();
  ASSERT_EQ(again.membership.joins.size(), 1u);
  EXPECT_EQ(swim::to_string(again.membership.joins[0].first.at(0)), "10.0.0.2:8301");
  again.hear(MessageType::user_event, UserEventMessage{.LTime = 3, .Name = "e"});
  EXPECT_TRUE(again.observer.take().empty()) << "an event is not delivered again after the restart";
}

TEST(SerfSnapshot, KnownNodesAreTriedUntilOneAnswers) {
  LoneNode self({}, nullptr,
                "alive: a 10.0.0.2:8301\nalive: b 10.0.0.3:8301\nalive: bad nowhere\nalive: c 10.0.0.4:8301\n", true);

  self.settle();
  ASSERT_EQ(self.membership.joins.size(), 1u);
  self.membership.joins[0].second({.joined = 0, .errors = {"refused"}});
  self.settle();
  ASSERT_EQ(self.membership.joins.size(), 2u);
  self.membership.joins[1].second({.joined = 1});
  self.pass(base::seconds(1));

  EXPECT_EQ(self.membership.joins.size(), 2u);
}

TEST(SerfSnapshot, ATornLastLineIsSurvived) {
  LoneNode self({}, nullptr, "alive: a 10.0.0.2:8301\nclock: 5\nalive: b 10.0.0.3:83", true);

  EXPECT_EQ(self.store.replaced, 1);
  self.pass(base::seconds(1));

  EXPECT_EQ(self.store.content,
            "alive: a 10.0.0.2:8301\nclock: 5\nevent-clock: 0\nquery-clock: 0\nalive: self 10.0.0.1:8301\n");
}

TEST(SerfSnapshot, LeavingIsTheLastLine) {
  LoneNode self({}, nullptr, "", true);
  self.add("other", 2);

  self.serf->leave([](const base::Result<>&) {});
  self.add("third", 3);
  self.pass(base::seconds(10));

  EXPECT_TRUE(self.store.content.ends_with("alive: other 10.0.0.2:8301\nleave\n")) << self.store.content;
  EXPECT_TRUE(read_snapshot(self.store.content, false, kLog).alive.empty());
}

TEST(SerfSnapshot, ALongFileIsWrittenAnew) {
  LoneNode self({}, nullptr, "", true);
  for (int i = 0; i < 6000; ++i) {
    self.hear(MessageType::user_event, UserEventMessage{.LTime = static_cast<LamportTime>(i + 1), .Name = "e"});
    if (i % 100 == 0) self.pass(base::milliseconds(500));
  }

  EXPECT_EQ(self.store.replaced, 0);
  for (int i = 6000; i < 9000; ++i) {
    self.hear(MessageType::user_event, UserEventMessage{.LTime = static_cast<LamportTime>(i + 1), .Name = "e"});
    if (i % 100 == 0) self.pass(base::milliseconds(500));
  }
  self.pass(base::seconds(1));

  EXPECT_EQ(self.store.replaced, 1);
  EXPECT_EQ(read_snapshot(self.store.content, false, kLog).event_clock, 9000u);
  EXPECT_EQ(read_snapshot(self.store.content, false, kLog).alive.size(), 1u);
}

TEST(SerfSnapshot, AfterAWriteThatFailedTheWholeIsWritten) {
  LoneNode self({}, nullptr, "", true);
  self.pass(base::seconds(1));
  self.store.is_healthy = false;
  self.add("lost", 2);

  self.pass(base::seconds(1));

  EXPECT_EQ(read_snapshot(self.store.content, false, kLog).alive.size(), 2u);
  self.store.is_healthy = false;
  self.pass(base::seconds(20));
  EXPECT_FALSE(self.store.is_healthy) << "a full disk is not asked all the time";
  self.pass(base::seconds(20));
  EXPECT_TRUE(self.store.is_healthy);
}

TEST(SerfSnapshot, ANameCannotForgeLines) {
  LoneNode self({}, nullptr, "", true);
  self.add("evil\nclock: 99999", 2);
  self.pass(base::seconds(1));
  EXPECT_EQ(read_snapshot(self.store.content, false, kLog).alive.size(), 1u);
  EXPECT_EQ(read_snapshot(self.store.content, false, kLog).clock, 0u);
}

TEST(SerfSnapshot, WhatHappensIsWrittenSoonAndWhileNothingDoesNobodyWakes) {
  LoneNode self({}, nullptr, "", true);
  self.pass(base::seconds(1));
  const auto first_wake = [&] { return *self.serf->alarms().next() - self.clock.now(); };
  EXPECT_GT(first_wake(), base::seconds(5));

  self.hear(MessageType::join, JoinIntent{.LTime = 41, .Node = "unknown"});
  EXPECT_EQ(first_wake(), base::milliseconds(500));
  self.pass(base::milliseconds(500));

  EXPECT_EQ(read_snapshot(self.store.content, false, kLog).clock, 41u);
  self.pass(base::milliseconds(500));
  EXPECT_GT(first_wake(), base::seconds(5));
}

TEST(SerfSnapshot, AWriteThatFailsLateIsMadeUpFor) {
  LoneNode self({}, nullptr, "", true);
  self.add("other", 2);
  self.pass(base::seconds(5));
  self.store.content.clear();
  self.store.is_healthy = false;  // a disk that stalled for long

  self.pass(base::seconds(60));

  EXPECT_EQ(read_snapshot(self.store.content, false, kLog).alive.size(), 2u);
}

}  // namespace
}  // namespace proconsul::gossip::serf
