// The probe round, seen from one member whose peers are played by the test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gossip/swim/test_core.h"

namespace proconsul::gossip::swim {
namespace {

using base::Duration;
using base::milliseconds;
using base::seconds;
using testing::Contains;
using testing::ElementsAre;

class ProbeTest : public testing::Test {
 protected:
  ProbeTest() { node.know(2); }

  static Config without_push_pull() {
    Config config;
    config.timing.push_pull_interval = {};
    return config;
  }
  /// Waits for the next direct ping of n2; the others answer theirs.
  Ping next_ping() {
    for (int i = 0; i < 10'000; ++i) {
      for (const Ping& ping : node.sent_of<Ping>(MessageType::ping)) {
        if (ping.Node == "n2") return ping;
        ack(ping);
      }
      node.pass(milliseconds(1));
    }
    throw std::runtime_error("no ping");
  }
  void ack(const Ping& ping) { node.hear(MessageType::ack, Ack{.SeqNo = ping.SeqNo}, address_of(2)); }
  std::optional<StreamId> opened() {
    for (const StreamEffect& effect : node.core->effects().streams) {
      if (const auto* open = std::get_if<OpenStream>(&effect)) return open->stream;
    }
    return std::nullopt;
  }

  TestCore node{1, without_push_pull()};
};

TEST_F(ProbeTest, AnAckEndsTheRoundAndItsPayloadIsHandedOn) {
  const Ping ping = next_ping();
  EXPECT_EQ(ping.SourceNode, "n1");
  EXPECT_EQ(ping.SourceAddr, address_of(1).ip);
  EXPECT_EQ(ping.SourcePort, 7946);

  node.hear(MessageType::ack, Ack{.SeqNo = ping.SeqNo, .Payload = base::Bytes("where")}, address_of(2));
  node.pass(milliseconds(900));

  EXPECT_EQ(node.state_of(2), NodeState::alive);
  EXPECT_THAT(node.above.events, Contains("ping n2 where"));
  EXPECT_FALSE(opened());
}

TEST_F(ProbeTest, AnAckForAnotherPingIsNone) {
  const Ping ping = next_ping();
  node.hear(MessageType::ack, Ack{.SeqNo = ping.SeqNo + 100});

  node.pass(seconds(1));

  EXPECT_EQ(node.state_of(2), NodeState::suspect);
  EXPECT_GE(node.core->counts().late_acks, 1u);
}

TEST_F(ProbeTest, OthersAreAskedAndTcpIsTried) {
  for (unsigned i = 3; i <= 7; ++i) node.know(i);
  const Ping ping = next_ping();

  node.pass(milliseconds(500));

  const auto requests = node.sent_of<IndirectPing>(MessageType::indirect_ping);
  ASSERT_EQ(requests.size(), 3u);
  for (const IndirectPing& request : requests) {
    EXPECT_EQ(request.SeqNo, ping.SeqNo);
    EXPECT_EQ(request.Node, "n2");
    EXPECT_EQ(request.Target, address_of(2).ip);
    EXPECT_TRUE(request.Nack);
  }
  EXPECT_TRUE(opened());
  EXPECT_TRUE(node.said("Failed UDP ping: n2 (timeout reached)"));
  node.hear(MessageType::ack, Ack{.SeqNo = ping.SeqNo}, address_of(5));
  node.pass(seconds(1));
  EXPECT_EQ(node.state_of(2), NodeState::alive);
  EXPECT_THAT(node.above.events, testing::Not(Contains("ping n2 ")));
}

TEST_F(ProbeTest, NoAckMakesSuspect) {
  next_ping();

  node.pass(seconds(1));

  EXPECT_EQ(node.state_of(2), NodeState::suspect);
  EXPECT_TRUE(node.said("Suspect n2 has failed, no acks received"));
  EXPECT_EQ(node.core->health_score(), 1);
  const auto accusations = node.sent_of<Suspect>(MessageType::suspect);
  node.pass(seconds(2));
  const auto again = node.sent_of<Suspect>(MessageType::suspect);
  EXPECT_FALSE(again.empty());  // told on, and to itself with the next ping
  EXPECT_EQ(again[0].From, "n1");
}

TEST_F(ProbeTest, HelpersThatSayNoKeepThisNodesHealth) {
  for (unsigned i = 3; i <= 5; ++i) node.know(i);
  const Ping ping = next_ping();
  node.pass(milliseconds(500));
  ASSERT_EQ(node.sent_of<IndirectPing>(MessageType::indirect_ping).size(), 3u);
  for (int i = 0; i < 3; ++i) node.hear(MessageType::nack, Nack{.SeqNo = ping.SeqNo});

  node.pass(milliseconds(500));

  EXPECT_EQ(node.state_of(2), NodeState::suspect);
  EXPECT_EQ(node.core->health_score(), 0);
}

TEST_F(ProbeTest, SilentHelpersCountAgainstThisNode) {
  for (unsigned i = 3; i <= 5; ++i) node.know(i);
  const Ping ping = next_ping();
  node.pass(milliseconds(500));
  node.hear(MessageType::nack, Nack{.SeqNo = ping.SeqNo});

  node.pass(milliseconds(500));

  EXPECT_EQ(node.core->health_score(), 2);
}

TEST_F(ProbeTest, DoubtMakesTheNextRoundLonger) {
  node.hear(MessageType::suspect, Suspect{.Incarnation = 1, .Node = "n1", .From = "n2"});
  EXPECT_EQ(node.core->health_score(), 1);
  next_ping();

  node.pass(milliseconds(1999));
  EXPECT_EQ(node.state_of(2), NodeState::alive);
  node.pass(milliseconds(1));

  EXPECT_EQ(node.state_of(2), NodeState::suspect);
  EXPECT_GE(node.core->counts().degraded_probes, 1u);
}

TEST_F(ProbeTest, AnAnswerOverTcpAloneIsEnough) {
  const Ping ping = next_ping();
  node.pass(milliseconds(500));
  const StreamId stream = opened().value();
  node.core->stream_opened(node.now, stream);
  const auto* asked = std::get_if<SendBytes>(&node.core->effects().streams.back());
  ASSERT_NE(asked, nullptr);
  const Wrapping plain;
  StreamReader reader(plain, true);
  ASSERT_TRUE(reader.take(asked->bytes).value());
  EXPECT_EQ(decode<Ping>(reader.message().substr(1)).value().SeqNo, ping.SeqNo);

  base::SeededRandom random(1);
  node.core->stream_bytes(
      node.now, stream,
      wrap_stream(encode(MessageType::ack, Ack{.SeqNo = ping.SeqNo}), Wrapping{}, false, random).value());
  node.pass(milliseconds(500));

  EXPECT_EQ(node.state_of(2), NodeState::alive);
  EXPECT_TRUE(node.said("Was able to connect to n2 over TCP but UDP probes failed"));
}

TEST_F(ProbeTest, TheRoundEndsWithItsStream) {
  next_ping();
  node.pass(milliseconds(500));
  const StreamId stream = opened().value();
  node.core->stream_opened(node.now, stream);

  node.pass(milliseconds(500));

  EXPECT_EQ(node.core->open_streams(), 0u);
  EXPECT_EQ(std::get_if<CloseStream>(&node.core->effects().streams.back())->stream, stream);
  node.core->stream_bytes(node.now, stream, "late");
  node.core->stream_closed(node.now, stream, {});
}

TEST_F(ProbeTest, ARefutationDuringTheRoundCounts) {
  next_ping();
  node.pass(milliseconds(600));
  node.know(2, 2);

  node.pass(milliseconds(400));

  EXPECT_EQ(node.state_of(2), NodeState::alive);
}

TEST_F(ProbeTest, EveryMemberIsProbedOncePerTurn) {
  for (unsigned i = 3; i <= 10; ++i) node.know(i);
  std::map<std::string, int> probed;
  for (int second = 0; second < 900; ++second) {
    node.pass(seconds(1));
    for (const Ping& ping : node.sent_of<Ping>(MessageType::ping)) {
      ++probed[ping.Node];
      node.hear(MessageType::ack, Ack{.SeqNo = ping.SeqNo});
    }
  }

  EXPECT_EQ(probed.size(), 9u);
  for (const auto& [name, times] : probed) EXPECT_NEAR(times, 100, 3) << name;
}

}  // namespace
}  // namespace proconsul::gossip::swim
