#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gossip/serf/fake_membership.h"

namespace proconsul::gossip::serf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(SerfMembers, OneThatJoinsHasItsTagsAndVersions) {
  LoneNode self;

  self.add("other", 2, {{"role", "db"}});

  const Member& member = *self.serf->members().get("other");
  EXPECT_THAT(self.observer.take(), ElementsAre("member-join other"));
  EXPECT_EQ(member.Status, MemberStatus::alive);
  EXPECT_EQ(member.Tags.at("role"), "db");
  EXPECT_EQ(member.ProtocolMax, 5);
  EXPECT_EQ(member.DelegateCur, 4);
  EXPECT_EQ(self.serf->stats().texts().at("members"), "2");
}

TEST(SerfMembers, OneThatDiesWithoutAWordHasFailedAndOneThatSaidSoHasLeft) {
  LoneNode self;
  self.add("silent", 2);
  self.add("polite", 3);
  self.observer.take();

  self.hear(MessageType::leave, LeaveIntent{.LTime = 5, .Node = "polite"});
  EXPECT_EQ(self.status("polite"), MemberStatus::leaving);
  self.serf->node_left(node_named("silent", 2));
  self.serf->node_left(node_named("polite", 3));

  EXPECT_THAT(self.observer.take(), ElementsAre("member-failed silent", "member-leave polite"));
  EXPECT_EQ(self.status("silent"), MemberStatus::failed);
  EXPECT_EQ(self.status("polite"), MemberStatus::left);
}

TEST(SerfMembers, AnIntentMayComeBeforeTheNode) {
  LoneNode self;

  self.hear(MessageType::join, JoinIntent{.LTime = 4, .Node = "other"});
  self.hear(MessageType::leave, LeaveIntent{.LTime = 5, .Node = "other"});
  self.add("other", 2);

  EXPECT_EQ(self.status("other"), MemberStatus::leaving);
  self.hear(MessageType::join, JoinIntent{.LTime = 5, .Node = "other"});
  EXPECT_EQ(self.status("other"), MemberStatus::leaving) << "not newer";
  self.hear(MessageType::join, JoinIntent{.LTime = 6, .Node = "other"});
  EXPECT_EQ(self.status("other"), MemberStatus::alive);
}

TEST(SerfMembers, AnIntentForNobodyIsForgottenAfterItsTime) {
  LoneNode self;
  self.hear(MessageType::leave, LeaveIntent{.LTime = 5, .Node = "other"});

  self.pass(self.serf->settings().recent_intent_timeout + self.serf->settings().reap_interval +
            self.serf->settings().reap_interval);
  self.add("other", 2);

  EXPECT_EQ(self.status("other"), MemberStatus::alive);
}

TEST(SerfMembers, EachIntentIsPassedOnOnce) {
  LoneNode self;
  self.add("other", 2);
  self.serf->broadcasts(2, 1 << 20);
  const std::string leave = encode(MessageType::leave, LeaveIntent{.LTime = 5, .Node = "other"});

  self.serf->user_message(leave);
  self.serf->user_message(leave);

  EXPECT_EQ(self.serf->stats().intent_queue, 1u);
  EXPECT_THAT(self.queued(), ElementsAre(leave));
}

TEST(SerfMembers, ALeaveOfThisNodeIsRefuted) {
  LoneNode self;
  self.add("other", 2);

  self.hear(MessageType::leave, LeaveIntent{.LTime = 9, .Node = "self"});

  EXPECT_EQ(self.status("self"), MemberStatus::alive);
  EXPECT_THAT(self.queued(), ElementsAre(encode(MessageType::join, JoinIntent{.LTime = 10, .Node = "self"})));
}

TEST(SerfMembers, AFailedOneIsMadeToLeave) {
  LoneNode self;
  self.add("other", 2);
  self.add("third", 3);
  self.serf->node_left(node_named("other", 2));
  self.observer.take();
  int done = 0;

  self.serf->force_leave("other", false, [&](base::Result<> result) { done += result ? 1 : 10; });
  for (int i = 0; i < 10; ++i) self.queued();
  self.settle();

  EXPECT_EQ(done, 1);
  EXPECT_THAT(self.observer.take(), ElementsAre("member-leave other"));
  EXPECT_EQ(self.status("other"), MemberStatus::left);
  EXPECT_EQ(self.serf->stats().failed, 0u);
  EXPECT_EQ(self.serf->stats().left, 1u);
}

TEST(SerfMembers, AForcedLeaveThatNobodyHearsTimesOut) {
  LoneNode self;
  self.add("other", 2);
  base::Result<> outcome{};

  self.serf->force_leave("gone", false, [&](base::Result<> result) { outcome = std::move(result); });
  self.pass(base::seconds(6));

  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().detail, "timed out broadcasting node removal");
}

TEST(SerfMembers, PruningTakesThemFromTheListOnceTheyAreGone) {
  LoneNode self;
  self.add("failed", 2);
  self.add("alive", 3);
  self.serf->node_left(node_named("failed", 2));
  self.observer.take();

  self.serf->force_leave("failed", true, [](const base::Result<>&) {});
  EXPECT_THAT(self.observer.take(), ElementsAre("member-leave failed", "member-reap failed"));
  self.serf->force_leave("alive", true, [](const base::Result<>&) {});
  EXPECT_EQ(self.status("alive"), MemberStatus::leaving);
  self.pass(base::seconds(7));

  EXPECT_THAT(self.observer.take(), ElementsAre("member-reap alive"));
  EXPECT_EQ(self.serf->members().size(), 1u);
}

TEST(SerfMembers, OneThatRefutesItsPruningStays) {
  LoneNode self;
  self.add("alive", 3);

  self.serf->force_leave("alive", true, [](const base::Result<>&) {});
  self.hear(MessageType::join, JoinIntent{.LTime = 90, .Node = "alive"});
  self.pass(base::seconds(10));

  EXPECT_EQ(self.status("alive"), MemberStatus::alive);
}

TEST(SerfMembers, WhoIsGoneForLongIsForgotten) {
  Settings settings;
  settings.reconnect_timeout = base::seconds(60);
  settings.tombstone_timeout = base::seconds(120);
  settings.reconnect_timeout_of = advertised_reconnect_timeout;
  LoneNode self(settings);
  self.add("failed", 2);
  self.add("left", 3);
  self.add("patient", 4, {{"rc_tm", "5m"}});
  self.add("odd", 5, {{"rc_tm", "soon"}});
  self.hear(MessageType::leave, LeaveIntent{.LTime = 9, .Node = "left"});
  for (const char* name : {"failed", "left", "patient", "odd"}) self.serf->node_left(node_named(name, 9));
  self.observer.take();

  self.pass(base::seconds(90));
  EXPECT_THAT(self.observer.take(), testing::UnorderedElementsAre("member-reap failed", "member-reap odd"));
  self.pass(base::seconds(60));
  EXPECT_THAT(self.observer.take(), ElementsAre("member-reap left"));
  self.pass(base::seconds(200));
  EXPECT_THAT(self.observer.take(), ElementsAre("member-reap patient"));
  EXPECT_EQ(self.serf->coordinates().size(), 1u);
}

TEST(SerfMembers, AFailedOneIsTriedAgainAndWhoComesBackIsAlive) {
  LoneNode self;
  self.add("other", 2);
  self.serf->node_left(node_named("other", 2));

  self.pass(base::seconds(31));

  ASSERT_EQ(self.membership.joins.size(), 1u) << "as many failed as alive: surely";
  EXPECT_EQ(swim::to_string(self.membership.joins[0].first.at(0)), "10.0.0.2:8301");
  self.add("other", 2);
  EXPECT_EQ(self.status("other"), MemberStatus::alive);
  EXPECT_EQ(self.serf->stats().failed, 0u);
}

TEST(SerfMembers, NewTagsAreAnUpdate) {
  LoneNode self;
  self.add("other", 2);
  self.observer.take();

  self.serf->node_updated(node_named("other", 2, {{"role", "web"}}));
  self.serf->node_updated(node_named("unknown", 2));

  EXPECT_THAT(self.observer.take(), ElementsAre("member-update other"));
  EXPECT_EQ(self.serf->members().get("other")->Tags.at("role"), "web");
}

TEST(SerfMembers, OwnTagsAreAnnouncedUnlessTheyAreTooLong) {
  LoneNode self;
  base::Result<> outcome{};

  self.serf->set_tags({{"key", std::string(600, 'x')}}, [&](base::Result<> result) { outcome = std::move(result); });
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().detail, "Encoded length of tags exceeds limit of 512 bytes");
  EXPECT_THAT(self.membership.updates, IsEmpty());
  self.serf->set_tags({{"key", "value"}}, [](const base::Result<>&) {});

  EXPECT_EQ(self.membership.updates.size(), 1u);
  EXPECT_EQ(decode_tags(self.serf->node_meta()).at("key"), "value");
}

TEST(SerfMembers, ARuleMayRefuseAMergeAndNamesAreValidatedOnRequest) {
  Settings settings;
  settings.validate_node_names = true;
  settings.merge = [](const std::vector<Member>& members) -> base::Result<> {
    if (members[0].Tags.contains("dc")) return {};
    return {base::Errc::permission_denied, "no datacenter"};
  };
  LoneNode self(settings);
  swim::Node odd = node_named("odd", 2, {{"dc", "dc1"}});
  odd.address.ip = "abc";

  EXPECT_TRUE(self.serf->allow_alive(node_named("a", 2, {{"dc", "dc1"}})));
  EXPECT_EQ(self.serf->allow_merge({node_named("a", 2)}).error().detail, "no datacenter");
  EXPECT_EQ(self.serf->allow_alive(node_named("a_b", 2)).error().detail,
            "Node name contains invalid characters a_b , Valid characters include all alpha-numerics and dashes and "
            "'.' ");
  EXPECT_EQ(self.serf->allow_alive(odd).error().detail, "IP byte length is invalid: 3 bytes is not either 4 or 16");
  settings.node_name = std::string(129, 'a');
  EXPECT_EQ(validate(settings).error().detail,
            "Node name is 129 characters. Valid length is between 1 and 128 characters");
}

TEST(SerfMembers, WhoIsAtAnAddressThatIsNotAllowedNeverIsAMember) {
  Settings settings;
  settings.allowed_address = [](std::string_view ip) { return ip.ends_with('\x02'); };
  LoneNode self(settings);

  EXPECT_TRUE(self.serf->allow_alive(node_named("a", 2)));
  EXPECT_EQ(self.serf->allow_alive(node_named("a", 3)).error().detail, "10.0.0.3 is not allowed");
  EXPECT_TRUE(self.serf->allow_merge({node_named("a", 3)})) << "the others of an exchange still count";
}

TEST(SerfMembers, LeavingSaysGoodbyeAndWaitsUntilItSpread) {
  LoneNode self;
  self.add("other", 2);
  int left = 0;

  self.serf->leave([&](const base::Result<>&) { ++left; });
  EXPECT_EQ(self.status("self"), MemberStatus::leaving);
  self.serf->leave([](const base::Result<>& result) { EXPECT_EQ(result.error().detail, "Leave already in progress"); });
  EXPECT_THAT(self.membership.leaves, IsEmpty()) << "others hear the intent first";
  for (int i = 0; i < 10; ++i) self.queued();
  self.settle();
  ASSERT_EQ(self.membership.leaves.size(), 1u);
  self.membership.leaves[0]({});
  self.settle();
  EXPECT_EQ(left, 0);
  self.pass(base::seconds(2));

  EXPECT_EQ(left, 1);
  EXPECT_EQ(self.serf->state(), Serf::State::left);
  self.serf->join({}, false, [](const base::Result<swim::JoinOutcome>& result) {
    EXPECT_EQ(result.error().detail, "Serf can't Join after Leave or Shutdown");
  });
}

TEST(SerfMembers, AShutdownAnswersEverybodyWhoWaits) {
  LoneNode self;
  self.add("other", 2);
  int answered = 0;
  self.serf->force_leave("x", false, [&](const base::Result<>& result) { answered += result ? 0 : 1; });
  self.serf->leave([&](const base::Result<>& result) { answered += result ? 0 : 1; });
  self.serf->join({}, false, [&](const base::Result<swim::JoinOutcome>& result) { answered += result ? 0 : 1; });

  self.serf->shutdown();

  EXPECT_EQ(answered, 3);
}

TEST(SerfMembers, JoinsRunOneAfterTheOther) {
  LoneNode self;
  int joined = 0;
  const auto count = [&](const base::Result<swim::JoinOutcome>& outcome) { joined += outcome->joined; };

  self.serf->join({{"\x0a\0\0\x02", 1}}, false, count);
  self.serf->join({{"\x0a\0\0\x03", 1}}, false, count);
  ASSERT_EQ(self.membership.joins.size(), 1u);
  self.membership.joins[0].second({.joined = 1});
  self.settle();
  ASSERT_EQ(self.membership.joins.size(), 2u);
  self.membership.joins[1].second({.joined = 0, .errors = {"refused"}});

  EXPECT_EQ(joined, 1);
  EXPECT_THAT(self.queued(), ElementsAre(encode(MessageType::join, JoinIntent{.LTime = 1, .Node = "self"})));
}

TEST(SerfMembers, TheQueueOfIntentsIsCut) {
  Settings settings;
  settings.max_queue_depth = 10;
  LoneNode self(settings);
  for (int i = 0; i < 50; ++i) {
    self.hear(MessageType::join, JoinIntent{.LTime = 5, .Node = "n" + std::to_string(i)});
  }
  EXPECT_EQ(self.serf->stats().intent_queue, 50u);

  self.pass(base::seconds(31));

  EXPECT_EQ(self.serf->stats().intent_queue, 10u);
}

TEST(SerfMembers, TheClockSurvivesForgedTimes) {
  LamportClock clock;
  clock.increment();
  clock.witness(~LamportTime{0});
  EXPECT_EQ(clock.time(), ~LamportTime{0});
  clock.increment();
  EXPECT_EQ(clock.time(), ~LamportTime{0});
}

}  // namespace
}  // namespace proconsul::gossip::serf
