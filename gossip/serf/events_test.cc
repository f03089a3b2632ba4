#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gossip/serf/coalesce.h"
#include "gossip/serf/fake_membership.h"
#include "gossip/vectors.h"

namespace proconsul::gossip::serf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

UserEventMessage event_at(LamportTime time, std::string name, std::string payload = {}) {
  return {.LTime = time, .Name = std::move(name), .Payload = base::Bytes(std::move(payload))};
}

TEST(SerfEvents, AreDeliveredOnceAndPassedOn) {
  LoneNode self;
  const std::string message = encode(MessageType::user_event, event_at(7, "deploy", "v1"));

  self.serf->user_message(message);
  self.serf->user_message(message);
  self.hear(MessageType::user_event, event_at(7, "deploy", "v2"));

  EXPECT_THAT(self.observer.take(), ElementsAre("user deploy v1", "user deploy v2"));
  EXPECT_EQ(self.serf->stats().event_queue, 2u);
  EXPECT_EQ(self.serf->stats().event_time, 8u);
}

TEST(SerfEvents, OwnOnesGoOutWithTheClock) {
  LoneNode self;

  ASSERT_TRUE(self.serf->user_event("deploy", base::Bytes(std::string("v1")), false));

  EXPECT_THAT(self.observer.take(), ElementsAre("user deploy v1"));
  EXPECT_THAT(self.queued(), ElementsAre(encode(MessageType::user_event, event_at(1, "deploy", "v1"))));
  EXPECT_EQ(self.serf->stats().event_time, 2u);
}

TEST(SerfEvents, TheMembershipIsToldThatThereIsNews) {
  LoneNode self;
  while (self.serf->has_broadcasts()) self.queued();  // each is sent a few times
  const int told = self.membership.broadcasts;

  ASSERT_TRUE(self.serf->user_event("deploy", base::Bytes(std::string("v1")), false));
  EXPECT_TRUE(self.serf->has_broadcasts());
  EXPECT_EQ(self.membership.broadcasts, told + 1);

  self.hear(MessageType::user_event, event_at(7, "deploy", "v1"));
  EXPECT_EQ(self.membership.broadcasts, told + 2);
}

TEST(SerfEvents, WhatIsTooLargeIsRefused) {
  LoneNode self;

  EXPECT_EQ(self.serf->user_event("e", base::Bytes(std::string(512, 'x')), false).error().detail,
            "user event exceeds configured limit of 512 bytes before encoding");
  EXPECT_EQ(self.serf->user_event("e", base::Bytes(std::string(500, 'x')), false).error().detail,
            "encoded user event exceeds configured limit of 512 bytes after encoding");
  EXPECT_THAT(self.observer.take(), IsEmpty());
  Settings settings;
  settings.user_event_size_limit = 10'000;
  EXPECT_EQ(validate(settings).error().detail, "user event size limit exceeds limit of 9216 bytes");
}

TEST(SerfEvents, OlderOnesThanTheBufferHoldsAreDropped) {
  LoneNode self;
  self.hear(MessageType::user_event, event_at(1000, "new"));

  self.hear(MessageType::user_event, event_at(1000 - 512, "old"));
  self.hear(MessageType::user_event, event_at(1001 - 512, "just"));

  EXPECT_THAT(self.observer.take(), ElementsAre("user new ", "user just "));
}

TEST(SerfEvents, AJoinThatIgnoresOldOnesDoes) {
  LoneNode other;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(other.serf->user_event("old", {}, false));
  const std::string state = other.serf->local_state(true);
  LoneNode ignoring;
  LoneNode curious;

  ignoring.serf->join({{"\x0a\0\0\x02", 1}}, true, [](const base::Result<swim::JoinOutcome>&) {});
  ignoring.serf->merge_remote_state(state, true);
  ignoring.membership.joins[0].second({.joined = 1});
  curious.serf->merge_remote_state(state, false);

  EXPECT_THAT(ignoring.observer.take(), IsEmpty());
  EXPECT_THAT(curious.observer.take(), ElementsAre("user old ", "user old ", "user old "));
  EXPECT_EQ(ignoring.serf->stats().event_time, other.serf->stats().event_time);
  ASSERT_TRUE(other.serf->user_event("new", {}, false));
  ignoring.serf->merge_remote_state(other.serf->local_state(false), false);
  EXPECT_THAT(ignoring.observer.take(), ElementsAre("user new "));
}

TEST(SerfEvents, ExchangedStatesCarryIntentsAndClocks) {
  LoneNode one;
  one.add("left", 2);
  one.add("alive", 3);
  one.hear(MessageType::leave, LeaveIntent{.LTime = 20, .Node = "left"});
  one.serf->node_left(node_named("left", 2));
  LoneNode two;
  two.add("left", 2);
  two.add("alive", 3);
  two.serf->node_left(node_named("left", 2));
  EXPECT_EQ(two.status("left"), MemberStatus::failed);

  two.serf->merge_remote_state(one.serf->local_state(false), false);

  EXPECT_EQ(two.status("left"), MemberStatus::left);
  EXPECT_EQ(two.serf->stats().member_time, 22u) << "the leave was taken to be one after what is known";
  EXPECT_EQ(two.serf->stats().intent_queue, 0u) << "an exchange is not passed on";
}

TEST(SerfEvents, RecordedStatesAreMergedAndWrongOnesChangeNothing) {
  LoneNode self;
  const std::string recorded = bytes_of("serf.json", "push_pull");

  self.serf->merge_remote_state("", false);
  self.serf->merge_remote_state("\x03", false);
  self.serf->merge_remote_state(recorded.substr(0, recorded.size() / 2), false);
  EXPECT_EQ(self.serf->stats().member_time, 1u);
  self.serf->merge_remote_state(recorded, false);

  EXPECT_EQ(self.serf->stats().event_time, 4u);
}

TEST(SerfEvents, NonsenseIsRefused) {
  LoneNode self;
  for (int type = 0; type < 256; ++type) {
    self.serf->user_message(std::string(1, static_cast<char>(type)));
    self.serf->user_message(std::string(1, static_cast<char>(type)) + "\xff\xff\xff");
  }
  EXPECT_THAT(self.observer.take(), IsEmpty());
}

TEST(SerfCoalescing, OfEachMemberTheOutcomeIsDelivered) {
  Settings settings;
  settings.coalesce_period = base::seconds(5);
  settings.quiescent_period = base::seconds(1);
  LoneNode self(settings);
  self.pass(base::seconds(1));
  self.observer.take();

  self.add("flaps", 2);
  self.serf->node_left(node_named("flaps", 2));
  self.add("flaps", 2);
  self.add("comes", 3);
  EXPECT_THAT(self.observer.take(), IsEmpty());
  self.pass(base::seconds(1));
  EXPECT_THAT(self.observer.take(), ElementsAre("member-join comes", "member-join flaps"));

  self.serf->node_left(node_named("flaps", 2));
  self.add("flaps", 2);
  self.serf->node_updated(node_named("comes", 3));
  self.pass(base::seconds(1));
  EXPECT_THAT(self.observer.take(), ElementsAre("member-update comes")) << "that flaps joined is known";
  self.serf->node_updated(node_named("comes", 3));
  self.pass(base::seconds(1));
  EXPECT_THAT(self.observer.take(), ElementsAre("member-update comes"));
}

TEST(SerfCoalescing, AStreamOfEventsIsDeliveredAfterThePeriodAtTheLatest) {
  Settings settings;
  settings.coalesce_period = base::seconds(2);
  settings.quiescent_period = base::seconds(1);
  LoneNode self(settings);
  self.pass(base::seconds(3));
  self.observer.take();

  for (std::uint8_t i = 0; i < 5; ++i) {
    self.add("n" + std::to_string(i), 10 + i);
    self.pass(base::milliseconds(500));
  }

  EXPECT_EQ(self.observer.take().size(), 4u);
}

TEST(SerfCoalescing, OfEachUserEventThoseOfTheLatestTime) {
  Settings settings;
  settings.user_coalesce_period = base::seconds(5);
  settings.user_quiescent_period = base::seconds(1);
  LoneNode self(settings);
  const auto hear = [&](LamportTime time, std::string name, std::string payload, bool coalesce) {
    UserEventMessage event = event_at(time, std::move(name), std::move(payload));
    event.CC = coalesce;
    self.hear(MessageType::user_event, event);
  };

  hear(1, "a", "old", true);
  hear(3, "a", "new", true);
  hear(3, "a", "also", true);
  hear(2, "a", "late", true);
  hear(4, "b", "at once", false);
  EXPECT_THAT(self.observer.take(), ElementsAre("user b at once"));
  self.pass(base::seconds(1));

  EXPECT_THAT(self.observer.take(), ElementsAre("user a new", "user a also"));
}

}  // namespace
}  // namespace proconsul::gossip::serf
