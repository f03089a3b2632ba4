#include "base/net/h2_server_codec.h"

#include <gtest/gtest.h>

#include "base/net/h2_codec.h"

namespace proconsul::base::net {
namespace {

using StreamId = H2ServerCodec::StreamId;

H2ServerCodec::Piece piece(std::string bytes) {
  return std::make_shared<const std::string>(std::move(bytes));
}

/// Both sides in one thread.
class Pair : public testing::Test, protected H2ServerCodec::User {
 protected:
  void request(StreamId stream, H2Fields fields, bool finished) override {
    id = stream;
    heard += "request " + std::string(field(fields, ":path")) + (finished ? " whole;" : ";");
  }
  void received(StreamId, std::string_view data) override { body += data; }
  void finished(StreamId) override { heard += "finished;"; }
  void closed(StreamId, std::uint32_t error) override { heard += "closed " + std::to_string(error) + ";"; }
  void pinged(bool) override { heard += "ping;"; }

  void run() {
    for (std::string out = client.output(); !out.empty(); out = client.output()) {
      ASSERT_TRUE(server.take(out));
      turn();
    }
    turn();
  }
  void turn() {
    for (std::string out = server.output(1000); !out.empty(); out = server.output(1000)) {
      ASSERT_TRUE(client.take(out));
      answered += client.drain_body();
    }
  }
  static H2Fields get(std::string path) {
    return {{":method", "POST"}, {":scheme", "http"}, {":path", std::move(path)}, {":authority", "x"}};
  }

  H2Codec client{};
  H2ServerCodec server{{}, *this};
  StreamId id = 0;
  std::string heard{}, body{}, answered{};
};

TEST_F(Pair, ARequestIsAnsweredWithHeadBodyAndTrailers) {
  client.request(get("/a"), "hello");
  run();
  EXPECT_EQ(heard, "request /a;finished;");
  EXPECT_EQ(body, "hello");

  server.respond(id, {{":status", "200"}});
  server.send(id, piece("one"));
  run();
  EXPECT_EQ(std::exchange(answered, {}), "one");
  server.send(id, piece("two"));
  server.send(id, piece("three"));
  EXPECT_EQ(server.unsent(id), 8u);
  server.finish(id, {{"end", "yes"}});
  run();

  EXPECT_EQ(answered, "twothree");
  EXPECT_EQ(field(client.answer().fields, "end"), "yes");
  EXPECT_TRUE(client.answer().closed);
  EXPECT_EQ(heard, "request /a;finished;closed 0;");
}

TEST_F(Pair, TheBodyWaitsForThePeersWindow) {
  client.request(get("/a"), "");
  run();
  server.respond(id, {{":status", "200"}});
  server.send(id, piece(std::string(1 << 20, 'x')));

  // Without the client, what it has granted is all that goes.
  std::string out;
  for (std::string part = server.output(4096); !part.empty(); part = server.output(4096)) out += part;
  EXPECT_LT(out.size(), 80'000u);
  EXPECT_GT(server.unsent(id), 900'000u);

  ASSERT_TRUE(client.take(out));
  answered = client.drain_body();
  while (server.unsent(id) > 0) run();
  turn();
  EXPECT_EQ(answered.size(), std::size_t{1} << 20);
}

TEST_F(Pair, AnAnswerBeforeTheRequestIsWholeEndsIt) {
  client.request(get("/a"), std::string(200'000, 'x'));
  ASSERT_TRUE(server.take(client.output()));  // as far as the window goes
  server.answer(id, {{":status", "415"}});
  turn();

  EXPECT_TRUE(client.answer().closed);
  EXPECT_EQ(client.answer().error, 0u);
  EXPECT_EQ(field(client.answer().fields, ":status"), "415");
  EXPECT_EQ(heard, "request /a;closed 0;");
}

TEST_F(Pair, PingsAreAnsweredAndTold) {
  client.ping();
  run();
  EXPECT_TRUE(client.has_pong());
  EXPECT_EQ(heard, "ping;");
}

TEST_F(Pair, TooManyFieldsResetTheStreamAndNothingElse) {
  H2Fields fields = get("/a");
  for (int i = 0; i < 3; ++i) fields.emplace_back("x" + std::to_string(i), std::string(30'000, 'x'));
  client.request(fields, "");
  run();

  EXPECT_TRUE(client.answer().closed);
  EXPECT_NE(client.answer().error, 0u);
  EXPECT_EQ(heard, "");
  client.ping();
  run();
  EXPECT_TRUE(client.has_pong());
}

TEST_F(Pair, WhatIsUnknownIsPassedOver) {
  server.respond(7, {{":status", "200"}});
  server.send(7, piece("x"));
  server.finish(7, {});
  server.reset(7, 8);
  EXPECT_EQ(server.unsent(7), 0u);
}

TEST_F(Pair, AnotherProtocolIsRefused) {
  EXPECT_FALSE(server.take("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_FALSE(server.has_settings());
}

TEST_F(Pair, AfterAGoodbyeNothingMoreIsWanted) {
  client.ping();
  run();
  server.say_goodbye(11, "too_many_pings");
  const std::string out = server.output(1000);
  EXPECT_NE(out.find("too_many_pings"), std::string::npos);
  EXPECT_TRUE(server.is_over());
}

}  // namespace
}  // namespace proconsul::base::net
