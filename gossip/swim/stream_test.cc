#include "gossip/swim/stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gossip/swim/layers.h"
#include "gossip/swim/test_core.h"
#include "gossip/vectors.h"

namespace proconsul::gossip::swim {
namespace {

using base::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Wrapping kPlain;

/// A state exchange with some of everything.
std::string exchange_bytes() {
  Exchange exchange{.join = true, .user_state = "user"};
  for (int i = 0; i < 40; ++i) {
    exchange.nodes.push_back({.Name = "node-" + std::to_string(i),
                              .Addr = RawAddress(std::string(i % 2 == 0 ? 4 : 16, '\x01')),
                              .Port = 8301,
                              .Meta = base::Bytes(std::string(static_cast<std::size_t>(i * 12), 'm')),
                              .Incarnation = static_cast<std::uint32_t>(i * 40),
                              .State = i % 4,
                              .Vsn = base::Bytes("\1\5\2\2\5\4")});
  }
  return encode_exchange(exchange);
}

TEST(Stream, AMessageIsWholeWithItsLastByte) {
  Keyring ring;
  ASSERT_TRUE(ring.add(std::string(32, 'k')));
  base::SeededRandom random(1);
  for (const bool compress : {false, true}) {
    for (const bool seal : {false, true}) {
      for (const std::string& message :
           {exchange_bytes(), encode(MessageType::ping, Ping{}), encode(MessageType::ack, Ack{}),
            encode(MessageType::user, UserMessageHeader{.UserMsgLen = 5}) + "hello",
            encode(MessageType::error, ErrorMessage{.Error = "no"})}) {
        Wrapping wrapping;
        wrapping.label = "blue";
        wrapping.compress = compress;
        if (seal) wrapping.keyring = &ring;
        const std::string bytes = wrap_stream(message, wrapping, true, random).value();

        StreamReader reader(wrapping, true);
        for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
          ASSERT_FALSE(reader.take({&bytes[i], 1}).value()) << i << " of " << bytes.size();
        }

        ASSERT_TRUE(reader.take({&bytes.back(), 1}).value());
        EXPECT_EQ(reader.message(), message);
      }
    }
  }
}

TEST(Stream, AnswersHaveNoLabelOfTheirOwn) {
  Wrapping wrapping;
  wrapping.label = "blue";
  base::SeededRandom random(1);
  const std::string bytes = wrap_stream(exchange_bytes(), wrapping, false, random).value();

  StreamReader reader(wrapping, false);

  EXPECT_TRUE(reader.take(bytes).value());
}

TEST(Stream, WhatIsWrongIsSaid) {
  Keyring ring, other;
  ASSERT_TRUE(ring.add(std::string(32, 'k')));
  ASSERT_TRUE(other.add(std::string(32, 'o')));
  Wrapping plain, sealed, labelled, wrong;
  sealed.keyring = &ring;
  wrong.keyring = &other;
  labelled.label = "blue";
  base::SeededRandom random(1);
  const auto error = [](const Wrapping& wrapping, std::string_view bytes) {
    StreamReader reader(wrapping, true);
    const auto taken = reader.take(bytes);
    return taken ? std::string() : taken.error().detail;
  };

  EXPECT_EQ(error(sealed, wrap_stream(exchange_bytes(), plain, true, random).value()),
            "Encryption is configured but remote state is not encrypted");
  EXPECT_EQ(error(plain, wrap_stream(exchange_bytes(), sealed, true, random).value()),
            "Remote state is encrypted and encryption is not configured");
  EXPECT_EQ(error(sealed, wrap_stream(exchange_bytes(), wrong, true, random).value()),
            "No installed keys could decrypt the message");
  EXPECT_EQ(error(plain, wrap_stream(exchange_bytes(), labelled, true, random).value()),
            "discarding stream with unacceptable label");
  EXPECT_EQ(error(sealed, std::string_view("\x0a\xff\xff\xff\xff", 5)),
            "Remote node state is larger than limit (4294967295)");
  EXPECT_THAT(error(plain, encode(MessageType::push_pull, PushPullHeader{.Nodes = -1})), HasSubstr("of -1 nodes"));
  EXPECT_THAT(error(plain, encode(MessageType::push_pull, PushPullHeader{.Nodes = 1'000'000'000})),
              HasSubstr("of 1000000000 nodes"));
  EXPECT_THAT(error(plain, encode(MessageType::push_pull, PushPullHeader{.UserStateLen = 1'000'000'000})),
              HasSubstr("user state of 1000000000 bytes"));
  EXPECT_THAT(error(plain, encode(MessageType::user, UserMessageHeader{.UserMsgLen = -5})),
              HasSubstr("user message of -5 bytes"));
  EXPECT_EQ(error(plain, "\x06\xc1"), "not msgpack");
}

TEST(Stream, NoMoreIsKeptThanMayBe) {
  StreamReader reader(kPlain, true);
  const std::string piece(std::size_t{1} << 20, 'x');
  ASSERT_TRUE(reader.take(encode(MessageType::push_pull, PushPullHeader{.Nodes = 1}) + "\xdb\x7f\xff\xff\xff"));
  std::size_t taken = 0;
  base::Result<bool> result = false;
  while (result && taken < 100) {
    ++taken;
    result = reader.take(piece);
  }

  EXPECT_LE(taken, 21u);
  EXPECT_EQ(result.error().code, base::Errc::too_large);
}

TEST(Stream, ABombIsNotUnpacked) {
  const std::string bomb = compressed(std::string(30 << 20, '\0'));
  ASSERT_LT(bomb.size(), std::size_t{1} << 20);
  StreamReader reader(kPlain, true);

  EXPECT_EQ(reader.take(bomb).error().code, base::Errc::too_large);
}

TEST(Exchange, RecordedOnesAreReadAndWrittenAlike) {
  int seen = 0;
  for (const base::Value& vector : vectors_of("pushpull.json")) {
    const std::string bytes = from_hex(text_of(vector, "hex"));
    StreamReader reader(kPlain, true);
    const auto whole = reader.take(bytes);
    if (!whole || !*whole || static_cast<MessageType>(reader.message()[0]) != MessageType::push_pull) continue;
    SCOPED_TRACE(text_of(vector, "name"));
    ++seen;
    auto exchange = decode_exchange(reader.message().substr(1));
    ASSERT_TRUE(exchange) << exchange.error().detail;
    for (PushNodeState& node : exchange->nodes) {  // its metadata is empty, not nil; reading makes no difference there
      if (node.Name == "cli2") node.Meta = base::Bytes(std::string());
    }
    EXPECT_EQ(to_hex(encode_exchange(*exchange)), to_hex(reader.message()));
  }
  EXPECT_GE(seen, 1);
}

std::optional<JoinOutcome> join(TestCore& a, TestCore& b, std::size_t piece = 1 << 20) {
  std::optional<JoinOutcome> outcome;
  a.core->join({address_of(b.number)}, [&](JoinOutcome result) { outcome = std::move(result); });
  carry_streams(a, b, piece);
  return outcome;
}

TEST(PushPull, JoiningMakesBothSidesKnowAll) {
  TestCore a(1), b(2);
  b.know(3);
  b.know(4);
  b.hear(MessageType::dead, Dead{.Incarnation = 1, .Node = "n4", .From = "n4"});
  a.above.state = "of a";
  b.above.state = "of b";

  const auto outcome = join(a, b, 7);

  EXPECT_EQ(outcome.value().joined, 1);
  EXPECT_THAT(outcome->errors, IsEmpty());
  EXPECT_EQ(a.core->alive_count(), 3u);
  EXPECT_EQ(b.core->alive_count(), 3u);
  EXPECT_EQ(a.state_of(3), NodeState::alive);
  EXPECT_EQ(a.core->find("n4"), nullptr);  // left, and never known here
  EXPECT_THAT(a.above.merged, ElementsAre("of b"));
  EXPECT_THAT(b.above.merged, ElementsAre("of a"));
  EXPECT_EQ(a.core->open_streams(), 0u);
  EXPECT_EQ(b.core->open_streams(), 0u);
}

TEST(PushPull, OneSaidToBeDeadIsSuspectedFirst) {
  TestCore a(1), b(2);
  a.know(3);
  b.know(3);
  b.hear(MessageType::dead, Dead{.Incarnation = 1, .Node = "n3", .From = "n9"});

  (void)join(a, b);

  EXPECT_EQ(a.state_of(3), NodeState::suspect);
}

TEST(PushPull, FailuresAreNamedOneByOne) {
  TestCore a(1), b(2);
  std::optional<JoinOutcome> outcome;

  a.core->join({address_of(7), address_of(2), address_of(8)}, [&](JoinOutcome result) { outcome = std::move(result); });
  carry_streams(a, b);

  EXPECT_EQ(outcome.value().joined, 1);
  EXPECT_THAT(outcome->errors, ElementsAre("Failed to join 10.0.0.7:7946: dial tcp 10.0.0.7:7946: connection refused",
                                           "Failed to join 10.0.0.8:7946: dial tcp 10.0.0.8:7946: connection refused"));
}

TEST(PushPull, SilenceTimesOut) {
  TestCore a(1);
  std::optional<JoinOutcome> outcome;
  a.core->join({address_of(7)}, [&](JoinOutcome result) { outcome = std::move(result); });

  a.pass(seconds(11));

  EXPECT_THAT(outcome.value().errors, ElementsAre("Failed to join 10.0.0.7:7946: dial tcp 10.0.0.7:7946: i/o timeout"));
  EXPECT_EQ(a.core->open_streams(), 0u);
}

TEST(PushPull, ARefusedMergeChangesNothing) {
  TestCore a(1), b(2);
  a.above.merge_allowed = base::Result<>(base::Errc::permission_denied, "Member 'n2' part of wrong datacenter 'x'");

  const auto outcome = join(a, b);

  EXPECT_THAT(outcome.value().errors,
              ElementsAre("Failed to join 10.0.0.2:7946: Member 'n2' part of wrong datacenter 'x'"));
  EXPECT_EQ(a.core->known_members(), 1u);
}

TEST(PushPull, VersionsThatDoNotMeetAreRefused) {
  Config config;
  config.versions = {3, 5, 4, 2, 5, 4};
  TestCore a(1), b(2, config);

  const auto outcome = join(a, b);

  EXPECT_THAT(outcome.value().errors,
              ElementsAre("Failed to join 10.0.0.2:7946: Node 'n1' protocol version (2) is incompatible: [3, 5]"));
  EXPECT_EQ(a.core->known_members(), 1u);
  EXPECT_EQ(b.core->known_members(), 1u);
  EXPECT_TRUE(b.said("Failed push/pull merge: Node 'n1' protocol version (2) is incompatible: [3, 5] from=10.0.0.1"));

  config.versions = {1, 5, 2, 2, 3, 3};
  TestCore c(3, config);
  EXPECT_THAT(
      join(a, c).value().errors,
      ElementsAre("Failed to join 10.0.0.3:7946: Node 'n1' delegate protocol version (4) is incompatible: [2, 3]"));
}

TEST(PushPull, EncryptedAndLabelledPoolsMeetOnlyTheirLike) {
  Keyring ring;
  ASSERT_TRUE(ring.add(std::string(32, 'k')));
  Config plain, sealed, labelled;
  sealed.wrapping.keyring = &ring;
  sealed.wrapping.label = "blue";
  labelled.wrapping.label = "blue";
  TestCore a(1, sealed), b(2, sealed), c(3, plain), d(4, labelled);

  EXPECT_EQ(join(a, b).value().joined, 1);
  EXPECT_EQ(join(c, a).value().joined, 0);
  EXPECT_TRUE(a.said("discarding stream with unacceptable label from=10.0.0.3:7946"));
  EXPECT_THAT(join(d, a).value().errors,
              ElementsAre("Failed to join 10.0.0.1:7946: Remote state is encrypted and encryption is not configured"));
  EXPECT_TRUE(a.said("failed to receive: Encryption is configured but remote state is not encrypted"));
  EXPECT_THAT(join(a, d).value().errors,
              ElementsAre("Failed to join 10.0.0.4:7946: Encryption is configured but remote state is not encrypted"));
}

TEST(Streams, PingsAndUserMessages) {
  TestCore a(1), b(2);
  std::optional<base::Result<>> sent;
  a.core->send_user_message_reliably(address_of(2), std::string(100'000, 'u'),
                                     [&](base::Result<> result) { sent = std::move(result); });
  carry_streams(a, b, 1000);

  EXPECT_TRUE(sent && *sent);
  EXPECT_THAT(b.above.messages, ElementsAre(std::string(100'000, 'u')));
  a.core->send_user_message_reliably(address_of(2), std::string(kMostStreamBytes + 1, 'u'),
                                     [&](base::Result<> result) { sent = std::move(result); });
  EXPECT_FALSE(*sent);
}

TEST(Streams, APingForAnotherNameIsNotAnswered) {
  TestCore node(1);
  base::SeededRandom random(1);
  Ping ping;
  ping.Node = "other";
  const StreamId id = node.core->stream_accepted(node.now, address_of(2));

  node.core->stream_bytes(node.now, id, wrap_stream(encode(MessageType::ping, ping), Wrapping{}, true, random).value());

  ASSERT_EQ(node.core->effects().streams.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<CloseStream>(node.core->effects().streams[0]));
  EXPECT_TRUE(node.said("Got ping for unexpected node other"));
}

TEST(Streams, HowManyAreOpenIsBounded) {
  TestCore node(1);
  for (std::size_t i = 0; i < kMostStreams; ++i) EXPECT_NE(node.core->stream_accepted(node.now, address_of(2)), 0u);

  EXPECT_EQ(node.core->stream_accepted(node.now, address_of(2)), 0u);

  EXPECT_TRUE(node.said("Too many open streams from=10.0.0.2:7946"));
  node.pass(seconds(10));
  EXPECT_EQ(node.core->open_streams(), 0u);
  EXPECT_TRUE(node.said("failed to receive: i/o timeout"));
  EXPECT_NE(node.core->stream_accepted(node.now, address_of(2)), 0u);
}

TEST(Streams, HowManyAreComingInIsBounded) {
  TestCore node(1);
  for (std::size_t i = 0; i <= kMostPushPulls; ++i) {
    node.core->stream_bytes(node.now, node.core->stream_accepted(node.now, address_of(2)), "\x06");
  }

  EXPECT_EQ(node.core->open_streams(), kMostPushPulls);
  EXPECT_TRUE(node.said("Too many pending push/pull requests from=10.0.0.2:7946"));
  node.pass(seconds(10));
  EXPECT_EQ(node.core->open_streams(), 0u);
}

TEST(Streams, WhatTheyHoldTogetherIsBounded) {
  TestCore node(1);
  const std::string start = encode(MessageType::push_pull, PushPullHeader{.UserStateLen = 19 << 20});
  const std::string piece(std::size_t{18} << 20, 'u');
  for (int i = 0; i < 5; ++i) {
    const StreamId id = node.core->stream_accepted(node.now, address_of(2));
    node.core->stream_bytes(node.now, id, start);
    node.core->stream_bytes(node.now, id, piece);
  }

  EXPECT_EQ(node.core->open_streams(), 3u);
  EXPECT_TRUE(node.said("too many bytes of streams are waiting to become whole"));
}

TEST(Streams, OneThatIsCutOffIsNamed) {
  TestCore node(1);
  const StreamId id = node.core->stream_accepted(node.now, address_of(2));
  node.core->stream_bytes(node.now, id, exchange_bytes().substr(0, 100));

  node.core->stream_closed(node.now, id, {});

  EXPECT_TRUE(node.said("failed to receive: unexpected EOF from=10.0.0.2:7946"));
  EXPECT_EQ(node.core->open_streams(), 0u);
  EXPECT_EQ(node.core->known_members(), 1u);
}

}  // namespace
}  // namespace proconsul::gossip::swim
