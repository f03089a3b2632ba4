#include "gossip/swim/core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gossip/swim/test_core.h"

namespace proconsul::gossip::swim {
namespace {

using base::milliseconds;
using base::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Core, BeginsAloneAndAlive) {
  TestCore node(1);

  EXPECT_EQ(node.core->local().name, "n1");
  EXPECT_EQ(node.core->local().state, NodeState::alive);
  EXPECT_EQ(node.core->local().incarnation, 1u);
  EXPECT_EQ(node.core->alive_count(), 1u);
  node.pass(seconds(120));
  EXPECT_THAT(node.sent(), IsEmpty());
}

TEST(Core, RefusesAConfigurationThatMakesNoSense) {
  base::SeededRandom random(1);
  Recorder above;
  EXPECT_FALSE(Core(Config{.address = address_of(1)}, random).start({}, above));
  EXPECT_FALSE(Core(Config{.name = "x"}, random).start({}, above));
  above.meta = std::string(kMetaLimit + 1, 'm');
  EXPECT_FALSE(Core(Config{.name = "x", .address = address_of(1)}, random).start({}, above));
}

TEST(Core, PingIsAnsweredWithAPayload) {
  TestCore node(1);
  node.above.payload = "coordinate";
  Ping ping;
  ping.SeqNo = 7;
  ping.Node = "n1";

  node.hear(MessageType::ping, ping, address_of(5));

  const auto sent = node.sent();
  ASSERT_GE(sent.size(), 1u);
  EXPECT_EQ(sent[0].first, address_of(5));
  const Ack ack = decode<Ack>(std::string_view(sent[0].second).substr(1)).value();
  EXPECT_EQ(ack.SeqNo, 7u);
  EXPECT_EQ(ack.Payload, "coordinate");
}

TEST(Core, PingIsAnsweredWhereItsSourceSays) {
  TestCore node(1);
  Ping ping;
  ping.SourceAddr = RawAddress(address_of(6).ip);
  ping.SourcePort = 1234;

  node.hear(MessageType::ping, ping, address_of(5));

  EXPECT_EQ(node.sent().at(0).first, (Address{address_of(6).ip, 1234}));
}

TEST(Core, PingForAnotherNameIsNotAnswered) {
  TestCore node(1);
  Ping ping;
  ping.Node = "n2";

  node.hear(MessageType::ping, ping);

  EXPECT_THAT(node.sent(), IsEmpty());
  EXPECT_TRUE(node.said("Got ping for unexpected node 'n2' from=10.0.0.99:7946"));
}

TEST(Core, IndirectPingIsRelayedAndItsAckGoesBackBare) {
  TestCore node(1);
  IndirectPing request;
  request.SeqNo = 77;
  request.Target = RawAddress(address_of(3).ip);
  request.Port = 7946;
  request.Node = "n3";
  request.Nack = true;
  node.hear(MessageType::indirect_ping, request, address_of(2));
  const auto sent = node.sent();
  EXPECT_EQ(sent.at(0).first, address_of(3));
  const Ping ping = decode<Ping>(std::string_view(sent[0].second).substr(1)).value();
  EXPECT_EQ(ping.Node, "n3");

  node.hear(MessageType::ack, Ack{.SeqNo = ping.SeqNo, .Payload = base::Bytes("coordinate")}, address_of(3));

  const auto answer = node.sent();
  EXPECT_EQ(answer.at(0).first, address_of(2));
  const Ack ack = decode<Ack>(std::string_view(answer[0].second).substr(1)).value();
  EXPECT_EQ(ack.SeqNo, 77u);
  EXPECT_TRUE(ack.Payload.is_nil());
  node.pass(seconds(1));
  EXPECT_THAT(node.sent_of<Nack>(MessageType::nack), IsEmpty());
}

TEST(Core, IndirectPingWithoutAnswerIsNacked) {
  TestCore node(1);
  IndirectPing request;
  request.SeqNo = 77;
  request.Target = RawAddress(address_of(3).ip);
  request.Nack = true;
  node.hear(MessageType::indirect_ping, request, address_of(2));
  const std::uint32_t sequence = node.sent_of<Ping>(MessageType::ping).at(0).SeqNo;

  node.pass(milliseconds(500));

  EXPECT_EQ(node.sent_of<Nack>(MessageType::nack).at(0).SeqNo, 77u);
  node.hear(MessageType::ack, Ack{.SeqNo = sequence});
  EXPECT_THAT(node.sent(), IsEmpty());
  EXPECT_EQ(node.core->counts().late_acks, 1u);
}

TEST(Core, MembersComeChangeAndGo) {
  TestCore node(1);
  node.know(2, 1, "a");
  node.know(2, 1, "replayed");
  node.know(2, 2, "b");
  node.hear(MessageType::dead, Dead{.Incarnation = 1, .Node = "n2", .From = "n3"});  // older
  EXPECT_EQ(node.core->alive_count(), 2u);
  node.hear(MessageType::dead, Dead{.Incarnation = 2, .Node = "n2", .From = "n3"});
  EXPECT_EQ(node.state_of(2), NodeState::dead);
  node.know(2, 3, "b");
  node.hear(MessageType::dead, Dead{.Incarnation = 3, .Node = "n2", .From = "n2"});

  EXPECT_EQ(node.state_of(2), NodeState::left);
  EXPECT_THAT(node.above.events, ElementsAre("joined n2", "updated n2", "dead n2", "joined n2", "left n2"));
  EXPECT_EQ(node.core->alive_count(), 1u);
  EXPECT_EQ(node.core->find("nobody"), nullptr);
}

TEST(Core, NewsIsToldOn) {
  TestCore node(1);
  node.know(2);
  node.know(3);
  node.core->effects().packets.clear();

  node.pass(milliseconds(250));

  std::vector<std::string> told;
  for (const Alive& alive : node.sent_of<Alive>(MessageType::alive)) told.push_back(alive.Node);
  EXPECT_THAT(told, Contains("n1"));
  EXPECT_THAT(told, Contains("n2"));
  EXPECT_THAT(told, Contains("n3"));
}

TEST(Core, BroadcastsOfTheLayerAboveRideAlong) {
  TestCore node(1);
  node.know(2);
  node.above.to_send = {"event"};

  node.pass(milliseconds(250));

  std::vector<std::string> told;
  for (const auto& [to, message] : node.sent()) told.push_back(message);
  EXPECT_THAT(told, Contains("\x08"
                             "event"));
}

TEST(Core, NoPacketIsLargerThanItMayBe) {
  Config config;
  config.wrapping.compress = false;
  TestCore node(1, config);
  for (unsigned i = 2; i < 200; ++i) node.know(i, 1, std::string(100, 'm'));
  for (int i = 0; i < 500; ++i) node.above.to_send.emplace_back(static_cast<std::size_t>(i % 3), 'x');

  node.pass(seconds(3));

  EXPECT_GT(node.core->effects().packets.size(), 30u);
  for (const Packet& packet : node.core->effects().packets) EXPECT_LE(packet.bytes.size(), 1400u + 5u);
}

TEST(Core, AnotherAddressIsAConflict) {
  TestCore node(1);
  node.know(2);
  Alive moved = TestCore::alive_of(2, 5);
  moved.Port = 1;

  node.hear(MessageType::alive, moved);

  EXPECT_EQ(node.core->find("n2")->address.port, 7946);
  EXPECT_THAT(node.above.events, Contains("conflict n2"));
  EXPECT_TRUE(node.said("Conflicting address for n2. Mine: 10.0.0.2:7946 Theirs: 10.0.0.2:1 Old state: alive"));
}

TEST(Core, ADeadNameIsReclaimedAfterAWhile) {
  TestCore node(1);
  node.know(2);
  node.hear(MessageType::dead, Dead{.Incarnation = 1, .Node = "n2", .From = "n3"});
  Alive moved = TestCore::alive_of(2, 1);
  moved.Port = 1;
  node.hear(MessageType::alive, moved);
  EXPECT_EQ(node.state_of(2), NodeState::dead);
  node.now = node.now + seconds(31);

  node.hear(MessageType::alive, moved);

  EXPECT_EQ(node.state_of(2), NodeState::alive);
  EXPECT_EQ(node.core->find("n2")->address.port, 1);
}

TEST(Core, ANameThatLeftIsFreeAtOnce) {
  TestCore node(1);
  node.know(2);
  node.hear(MessageType::dead, Dead{.Incarnation = 1, .Node = "n2", .From = "n2"});
  Alive moved = TestCore::alive_of(2, 1);
  moved.Port = 1;

  node.hear(MessageType::alive, moved);

  EXPECT_EQ(node.state_of(2), NodeState::alive);
}

TEST(Core, TheDeadAreForgottenAfterAWhile) {
  TestCore node(1);
  node.know(2);
  node.hear(MessageType::dead, Dead{.Incarnation = 1, .Node = "n2", .From = "n3"});
  node.pass(seconds(29));
  EXPECT_NE(node.core->find("n2"), nullptr);

  node.pass(seconds(4));

  EXPECT_EQ(node.core->find("n2"), nullptr);
}

TEST(Core, AccusationsAreRefuted) {
  TestCore node(1);
  node.know(2);
  node.hear(MessageType::suspect, Suspect{.Incarnation = 1, .Node = "n1", .From = "n2"});
  EXPECT_EQ(node.core->local().incarnation, 2u);
  EXPECT_EQ(node.core->health_score(), 1);
  node.hear(MessageType::dead, Dead{.Incarnation = 9, .Node = "n1", .From = "n2"});
  EXPECT_EQ(node.core->local().incarnation, 10u);
  node.hear(MessageType::suspect, Suspect{.Incarnation = 9, .Node = "n1", .From = "n2"});  // old
  EXPECT_EQ(node.core->local().incarnation, 10u);
  node.core->effects().packets.clear();

  node.pass(milliseconds(250));

  std::uint32_t told = 0;
  for (const Alive& alive : node.sent_of<Alive>(MessageType::alive)) {
    if (alive.Node == "n1") told = std::max(told, alive.Incarnation);
  }
  EXPECT_EQ(told, 10u);
  EXPECT_EQ(node.core->local().state, NodeState::alive);
  EXPECT_TRUE(node.said("Refuting a dead message (from: n2)"));
}

TEST(Core, TheHighestIncarnationDoesNotWrap) {
  TestCore node(1);

  node.hear(MessageType::suspect, Suspect{.Incarnation = 0xffffffff, .Node = "n1", .From = "n2"});

  EXPECT_EQ(node.core->local().incarnation, 0xffffffff);
  EXPECT_TRUE(node.said("the incarnation number cannot grow any more"));
}

TEST(Core, WhatOthersRememberOfAnEarlierLifeIsRefuted) {
  TestCore node(1);
  node.know(1, 1);  // as it is now
  EXPECT_EQ(node.core->local().incarnation, 1u);

  node.know(1, 1, "of before");

  EXPECT_EQ(node.core->local().incarnation, 2u);
  EXPECT_EQ(node.core->local().meta, "");
}

TEST(Core, ASuspectDiesUnlessItRefutes) {
  TestCore node(1);
  for (unsigned i = 2; i <= 8; ++i) node.know(i);
  node.hear(MessageType::suspect, Suspect{.Incarnation = 1, .Node = "n2", .From = "n3"});
  EXPECT_EQ(node.state_of(2), NodeState::suspect);
  node.hear(MessageType::suspect, Suspect{.Incarnation = 1, .Node = "n4", .From = "n3"});

  node.know(4, 2);

  EXPECT_EQ(node.state_of(4), NodeState::alive);
  node.hear(MessageType::suspect, Suspect{.Incarnation = 1, .Node = "n2", .From = "n5"});
  node.hear(MessageType::suspect, Suspect{.Incarnation = 1, .Node = "n2", .From = "n5"});
  // Of 4 to 24 s: one of two confirmations.
  const auto due = remaining_suspicion(1, 2, seconds(4), seconds(24));
  node.now = node.now + due;
  EXPECT_EQ(node.state_of(2), NodeState::suspect);
  node.core->tick(node.now);
  EXPECT_EQ(node.state_of(2), NodeState::dead);
  EXPECT_EQ(node.core->counts().degraded_timeouts, 1u);
  EXPECT_TRUE(node.said("Marking n2 as failed, suspect timeout reached (1 peer confirmations)"));
}

TEST(Core, MessagesThatMakeNoSenseChangeNothing) {
  TestCore node(1);
  const auto changed = [](auto change) {
    Alive alive = TestCore::alive_of(2, 1);
    change(alive);
    return alive;
  };
  node.hear(MessageType::alive, changed([](Alive& a) { a.Vsn = base::Bytes("\1\5\2"); }));
  node.hear(MessageType::alive, changed([](Alive& a) { a.Vsn[0] = 0; }));
  node.hear(MessageType::alive, changed([](Alive& a) { a.Vsn[0] = 6; }));
  node.hear(MessageType::alive, changed([](Alive& a) { a.Addr = RawAddress("abc"); }));
  node.hear(MessageType::alive, changed([](Alive& a) { a.Meta = base::Bytes(std::string(513, 'm')); }));
  node.hear(MessageType::alive, changed([](Alive& a) { a.Node.clear(); }));
  node.hear(MessageType::suspect, Suspect{.Incarnation = 1, .Node = "n2", .From = "n3"});
  node.hear(MessageType::dead, Dead{.Incarnation = 1, .Node = "n2", .From = "n3"});
  node.above.alive_allowed = base::Result<>(base::Errc::permission_denied, "another datacenter");
  node.know(3);

  EXPECT_EQ(node.core->known_members(), 1u);
  EXPECT_THAT(node.above.events, IsEmpty());
  EXPECT_TRUE(node.said("ignoring alive message for 'n3': another datacenter"));
  EXPECT_TRUE(node.said("because protocol version(s) are wrong: 6 <= 2 <= 5 should be >0"));
}

TEST(Core, BadDatagramsAreNamedAndCounted) {
  TestCore node(1);
  node.core->packet(node.now, address_of(9), "");
  node.core->packet(node.now, address_of(9), "\x07");
  node.core->packet(node.now, address_of(9), std::string("\x00 no msgpack", 12));
  node.core->packet(node.now, address_of(9), "\x63");
  node.core->packet(node.now, address_of(9), "\xf4\x03out");
  node.core->packet(node.now, address_of(9), std::string("\x07\x01\x00\x01\x63", 5));

  EXPECT_TRUE(node.said("missing message type byte from=10.0.0.9:7946"));
  EXPECT_TRUE(node.said("Failed to decode compound request: missing compound length byte"));
  EXPECT_TRUE(node.said("Failed to decode ping request: "));
  EXPECT_TRUE(node.said("msg type not supported: 99"));
  EXPECT_TRUE(node.said("discarding packet with unacceptable label"));
  EXPECT_EQ(node.core->counts().packets_refused, 6u);
}

TEST(Core, AFloodOfBadDatagramsDoesNotFillTheLog) {
  TestCore node(1);

  for (int i = 0; i < 1000; ++i) node.core->packet(node.now, address_of(9), "bad");
  EXPECT_LT(node.core->effects().lines.size(), 30u);
  node.now = node.now + seconds(20);
  node.core->packet(node.now, address_of(9), "bad");

  EXPECT_TRUE(node.said("refused 980 more packets and streams like these"));
}

TEST(Core, PlaintextForgedAndReplayedPacketsAreRefused) {
  Keyring ring, other;
  ASSERT_TRUE(ring.add(std::string(16, 'k')));
  ASSERT_TRUE(other.add(std::string(16, 'o')));
  Config config;
  config.wrapping.keyring = &ring;
  TestCore node(1, config);
  Wrapping wrong = config.wrapping;
  wrong.keyring = &other;
  base::SeededRandom random(5);
  const std::string message = encode(MessageType::alive, TestCore::alive_of(2, 1));

  node.core->packet(node.now, address_of(2), message);
  node.core->packet(node.now, address_of(2), wrap_packet(message, wrong, false, random));
  EXPECT_EQ(node.core->known_members(), 1u);
  EXPECT_EQ(node.core->counts().packets_refused, 2u);
  EXPECT_TRUE(node.said("Decrypt packet failed: No installed keys could decrypt the message from=10.0.0.2:7946"));

  const std::string good = wrap_packet(message, config.wrapping, true, random);
  node.core->packet(node.now, address_of(2), good);
  EXPECT_EQ(node.core->known_members(), 2u);
  node.hear(MessageType::alive, TestCore::alive_of(2, 1));
  node.core->packet(node.now, address_of(2), good);
  EXPECT_THAT(node.above.events, ElementsAre("joined n2"));
}

TEST(Core, PlaintextIsTakenWhileEncryptionIsBeingSwitchedOn) {
  Keyring ring;
  ASSERT_TRUE(ring.add(std::string(16, 'k')));
  Config config;
  config.wrapping.keyring = &ring;
  config.wrapping.verify_incoming = false;
  config.wrapping.verify_outgoing = false;
  TestCore node(1, config);

  node.know(2);

  EXPECT_EQ(node.core->known_members(), 2u);
  node.pass(milliseconds(250));
  EXPECT_FALSE(node.sent().empty());  // readable without a key
}

TEST(Core, UserMessagesGoBothWays) {
  TestCore node(1);
  node.know(2);
  node.core->packet(node.now, address_of(2), "\x08hello");
  EXPECT_THAT(node.above.messages, ElementsAre("hello"));

  ASSERT_TRUE(node.core->send_user_message(address_of(2), node.core->find("n2"), "answer"));

  ASSERT_EQ(node.core->effects().packets.size(), 1u);
  EXPECT_EQ(node.core->effects().packets[0].bytes[0], 12);  // with a checksum: n2 is known to take it
  EXPECT_EQ(node.sent().at(0).second,
            "\x08"
            "answer");
  EXPECT_FALSE(node.core->send_user_message(address_of(2), nullptr, std::string(70'000, 'x')));
  EXPECT_FALSE(node.core->send_user_message({"abc", 1}, nullptr, "x"));
}

TEST(Core, LeavingIsToldBeforeItIsDone) {
  TestCore node(1);
  node.know(2);
  std::optional<base::Result<>> left;
  node.core->leave(seconds(5), [&](base::Result<> result) { left = std::move(result); });
  EXPECT_FALSE(left);

  node.pass(seconds(3));

  ASSERT_TRUE(left);
  EXPECT_TRUE(*left);
  const auto told = node.sent_of<Dead>(MessageType::dead);
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told[0].Node, "n1");
  EXPECT_EQ(told[0].From, "n1");
  EXPECT_EQ(node.core->local().state, NodeState::left);
  node.hear(MessageType::suspect, Suspect{.Incarnation = 5, .Node = "n1", .From = "n2"});
  node.know(1, 9);
  EXPECT_EQ(node.core->local().state, NodeState::left);
}

TEST(Core, AfterLeavingNothingIsAnnounced) {
  TestCore node(1);
  node.core->leave(seconds(5), [](base::Result<>) {});
  std::optional<base::Result<>> updated;

  node.core->update_node({}, [&](base::Result<> result) { updated = std::move(result); });

  EXPECT_EQ(updated.value().error().code, base::Errc::unavailable);
}

TEST(Core, LeavingAloneIsDoneAtOnceAndLeavingUnheardTimesOut) {
  TestCore alone(1);
  std::optional<base::Result<>> left;
  alone.core->leave(seconds(5), [&](base::Result<> result) { left = std::move(result); });
  alone.core->tick(alone.now);
  ASSERT_TRUE(left && *left);

  Config quiet;
  quiet.timing.gossip_nodes = 0;
  TestCore node(2, quiet);
  node.know(3);
  left.reset();
  node.core->leave(seconds(5), [&](base::Result<> result) { left = std::move(result); });
  node.pass(seconds(6));
  ASSERT_TRUE(left);
  EXPECT_EQ(left->error().code, base::Errc::timeout);
  EXPECT_EQ(left->error().detail, "timeout waiting for leave broadcast");
}

TEST(Core, NewMetadataIsAnnounced) {
  TestCore node(1);
  node.know(2);
  node.above.meta = "new";
  std::optional<base::Result<>> updated;
  node.core->update_node(seconds(5), [&](base::Result<> result) { updated = std::move(result); });

  node.pass(seconds(3));

  ASSERT_TRUE(updated && *updated);
  EXPECT_EQ(node.core->local().meta, "new");
  EXPECT_EQ(node.core->local().incarnation, 2u);
  node.above.meta = std::string(kMetaLimit + 1, 'm');
  node.core->update_node(seconds(5), [&](base::Result<> result) { updated = std::move(result); });
  EXPECT_FALSE(*updated);
  EXPECT_EQ(node.core->local().meta, "new");
}

/// When the member is due, over `time`, with every ping answered at once.
std::vector<base::MonotonicTime> wakes(TestCore& node, base::Duration time) {
  std::vector<base::MonotonicTime> found;
  for (const base::MonotonicTime end = node.now + time; node.core->next_due() <= end;) {
    node.now = std::max(node.now, node.core->next_due());
    found.push_back(node.now);
    node.core->tick(node.now);
    for (const Ping& ping : node.sent_of<Ping>(MessageType::ping)) {
      node.hear(MessageType::ack, Ack{.SeqNo = ping.SeqNo}, address_of(2));
    }
  }
  return found;
}

Config without_exchanges() {
  Config config;
  config.timing.push_pull_interval = {};
  return config;
}

TEST(Core, WithoutNewsItWakesForProbesAlone) {
  TestCore node(1, without_exchanges());
  node.know(2);
  wakes(node, seconds(10));  // tells who it met, often enough

  EXPECT_EQ(wakes(node, seconds(10)).size(), 10u);
}

TEST(Core, NewsGoesOutInTheBeatOfTheIntervalAndThenItSleepsAgain) {
  TestCore node(1, without_exchanges());
  node.know(2);
  const base::MonotonicTime first = wakes(node, milliseconds(200)).front();  // a round of gossip: the probe is later
  wakes(node, seconds(10) + milliseconds(70));

  node.above.to_send.push_back("news");
  node.core->at(node.now);
  node.core->broadcasts_queued();
  const base::MonotonicTime told = node.core->next_due();
  node.now = told;
  node.core->tick(told);

  EXPECT_EQ((told - first).nanoseconds % milliseconds(200).nanoseconds, 0);
  EXPECT_THAT(node.sent(), Contains(testing::Pair(address_of(2), testing::EndsWith("news"))));
  EXPECT_EQ(wakes(node, seconds(10)).size(), 10u);
}

TEST(Core, NewsOfTheLayerAboveThatComesWithAMessageIsToldOn) {
  TestCore node(1, without_exchanges());
  node.know(2);
  wakes(node, seconds(10));
  const std::uint64_t rounds = node.core->counts().gossip_rounds;

  node.know(3);

  wakes(node, milliseconds(300));
  EXPECT_GT(node.core->counts().gossip_rounds, rounds);
}

}  // namespace
}  // namespace proconsul::gossip::swim
