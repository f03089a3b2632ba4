#include "base/net/h2_client_codec.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/net/h2_server_codec.h"

namespace proconsul::base::net {
namespace {

using StreamId = H2ClientCodec::StreamId;

H2ClientCodec::Piece piece(std::string bytes) {
  return std::make_shared<const std::string>(std::move(bytes));
}

/// What a side hears, spelled.
class ServerSide final : public H2ServerCodec::User {
 public:
  void request(StreamId stream, H2Fields fields, bool finished) override {
    id = stream;
    heard += "request " + std::string(field(fields, ":path")) + (finished ? " whole;" : ";");
  }
  void received(StreamId, std::string_view data) override { body += data; }
  void finished(StreamId) override { heard += "finished;"; }
  void closed(StreamId, std::uint32_t error) override { heard += "closed " + std::to_string(error) + ";"; }
  void sent(StreamId) override { heard += "sent;"; }
  StreamId id = 0;
  std::string heard{}, body{};
};

class ClientSide final : public H2ClientCodec::User {
 public:
  void answered(StreamId, H2Fields head, bool finished) override {
    heard += "answered " + std::string(field(head, ":status")) + (finished ? " whole;" : ";");
  }
  void received(StreamId id, std::string_view data) override {
    body += data;
    if (consumes) codec->consumed(id, data.size());
  }
  void finished(StreamId, H2Fields trailers) override {
    heard += "finished " + std::string(field(trailers, "end")) + ";";
  }
  void closed(StreamId, std::uint32_t error, bool unprocessed) override {
    heard += "closed " + std::to_string(error) + (unprocessed ? " unprocessed;" : ";");
  }
  void ponged() override { heard += "pong;"; }
  void said_goodbye(std::uint32_t error, std::string_view words) override {
    heard += "goodbye " + std::to_string(error) + " " + std::string(words) + ";";
  }
  H2ClientCodec* codec = nullptr;
  std::string heard{}, body{};
  bool consumes = true;
};

/// Both sides in one thread.
class ClientPair : public testing::Test {
 protected:
  ClientPair() { there.codec = &client; }
  void run() {
    for (bool more = true; more;) {
      more = false;
      for (std::string out = client.output(1000); !out.empty(); out = client.output(1000)) {
        ASSERT_TRUE(server.take(out));
        more = true;
      }
      for (std::string out = server.output(1000); !out.empty(); out = server.output(1000)) {
        ASSERT_TRUE(client.take(out));
        more = true;
      }
    }
  }
  static H2Fields post(std::string path) {
    return {{":method", "POST"}, {":scheme", "http"}, {":path", std::move(path)}, {":authority", "x"}};
  }

  ServerSide here{};
  ClientSide there{};
  H2ServerCodec server{{.most_streams = 2}, here};
  H2ClientCodec client{{.most_fields = 10'000, .window = 20'000}, there};
};

TEST_F(ClientPair, ACallIsAnsweredWithHeadBodyAndTrailers) {
  const Result<StreamId> id = client.open(post("/a"), false);
  ASSERT_TRUE(id);
  client.send(*id, piece("one"));
  run();
  client.send(*id, piece("two"));
  client.finish(*id);
  run();
  EXPECT_EQ(here.heard, "request /a;finished;");
  EXPECT_EQ(here.body, "onetwo");

  server.respond(here.id, {{":status", "200"}});
  server.send(here.id, piece("three"));
  EXPECT_TRUE(server.tell_when_sent(here.id));
  run();
  EXPECT_FALSE(server.tell_when_sent(here.id));
  server.finish(here.id, {{"end", "yes"}});
  run();

  EXPECT_EQ(here.heard, "request /a;finished;sent;closed 0;");
  EXPECT_EQ(there.heard, "answered 200;finished yes;closed 0;");
  EXPECT_EQ(there.body, "three");
  EXPECT_EQ(client.streams(), 0u);
}

TEST_F(ClientPair, AnAnswerMayBeNothingButAHead) {
  ASSERT_TRUE(client.open(post("/a"), true));
  run();
  EXPECT_EQ(here.heard, "request /a whole;");
  server.answer(here.id, {{":status", "415"}});
  run();
  EXPECT_EQ(there.heard, "answered 415 whole;closed 0;");
}

TEST_F(ClientPair, AnAnswerMayEndWithoutTrailers) {
  ASSERT_TRUE(client.open(post("/a"), true));
  run();
  server.inform(here.id, {{":status", "100"}});
  server.respond(here.id, {{":status", "200"}});
  server.send(here.id, piece("one"));
  EXPECT_EQ(server.unsent(), 3u);
  run();
  EXPECT_EQ(server.unsent(), 0u);
  server.finish(here.id, {});
  run();
  EXPECT_TRUE(there.heard.ends_with("answered 200;finished ;closed 0;")) << there.heard;
  EXPECT_EQ(there.body, "one");
}

TEST_F(ClientPair, AServerThatSaysSoIsSentNoMoreThanItDealsWith) {
  H2ServerCodec slow({.window = 10'000, .connection_window = 15'000}, here);
  const auto exchange = [&] {
    for (bool more = true; more;) {
      more = false;
      for (std::string out = client.output(1000); !out.empty(); out = client.output(1000)) {
        ASSERT_TRUE(slow.take(out));
        more = true;
      }
      for (std::string out = slow.output(1000); !out.empty(); out = slow.output(1000)) {
        ASSERT_TRUE(client.take(out));
        more = true;
      }
    }
  };
  exchange();
  const Result<StreamId> first = client.open(post("/a"), false);
  client.send(*first, piece(std::string(30'000, 'x')));
  exchange();
  EXPECT_EQ(here.body.size(), 10'000u);
  const Result<StreamId> second = client.open(post("/b"), false);
  client.send(*second, piece(std::string(30'000, 'x')));
  exchange();
  EXPECT_LE(here.body.size(), 65'535u);  // what a connection's window begins with cannot be taken back

  for (std::size_t known = 0; known < here.body.size();) {
    const std::size_t more = here.body.size() - known;
    known += more;
    slow.consumed(*first, more);
    slow.consumed(*second, more);
    exchange();
  }
  EXPECT_EQ(here.body.size(), 60'000u);
}

TEST_F(ClientPair, MoreFieldsThanAreKeptEndTheStreamOnceItsHeadIsThere) {
  H2Fields many = post("/a");
  many.emplace_back("big", std::string(50'000, 'a'));
  H2ServerCodec small({.most_fields = 1000}, here);
  ASSERT_TRUE(client.open(many, true));
  for (std::string out = client.output(1000); !out.empty(); out = client.output(1000)) ASSERT_TRUE(small.take(out));
  EXPECT_FALSE(small.has_open_head());
  for (std::string out = small.output(1000); !out.empty(); out = small.output(1000)) ASSERT_TRUE(client.take(out));
  EXPECT_EQ(here.heard, "");
  EXPECT_EQ(there.heard, "closed 2;");
}

TEST_F(ClientPair, WhatIsNotConsumedKeepsThePeerWaiting) {
  there.consumes = false;
  const Result<StreamId> id = client.open(post("/a"), true);
  run();
  server.respond(here.id, {{":status", "200"}});
  server.send(here.id, piece(std::string(100'000, 'x')));
  run();
  EXPECT_EQ(there.body.size(), 20'000u);
  EXPECT_EQ(server.unsent(here.id), 80'000u);

  client.consumed(*id, 20'000);
  run();
  EXPECT_EQ(there.body.size(), 40'000u);

  there.consumes = true;
  client.consumed(*id, 20'000);
  run();
  EXPECT_EQ(there.body.size(), 100'000u);
}

TEST_F(ClientPair, OneStreamThatIsNotReadDoesNotHoldUpTheOthers) {
  there.consumes = false;
  const Result<StreamId> slow = client.open(post("/slow"), true);
  run();
  server.respond(here.id, {{":status", "200"}});
  server.send(here.id, piece(std::string(100'000, 'x')));
  run();

  there.consumes = true;
  ASSERT_TRUE(client.open(post("/fast"), true));
  run();
  server.respond(here.id, {{":status", "200"}});
  server.send(here.id, piece(std::string(3'000'000, 'y')));
  run();
  EXPECT_EQ(std::count(there.body.begin(), there.body.end(), 'y'), 3'000'000);
}

TEST_F(ClientPair, AStreamThatIsGivenUpIsReset) {
  const Result<StreamId> id = client.open(post("/a"), true);
  run();
  client.reset(*id, 8);
  run();
  EXPECT_EQ(here.heard, "request /a whole;closed 8;");
  EXPECT_EQ(there.heard, "closed 8;");
}

TEST_F(ClientPair, StreamsBeyondThePeersLimitWait) {
  run();
  std::vector<StreamId> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(*client.open(post("/" + std::to_string(i)), true));
  run();
  EXPECT_EQ(here.heard, "request /0 whole;request /1 whole;");
  server.answer(ids[0], {{":status", "200"}});
  run();
  EXPECT_TRUE(here.heard.ends_with("request /2 whole;"));
}

TEST_F(ClientPair, AfterAGoodbyeStreamsThatWereNotSeenAreUnprocessed) {
  ASSERT_TRUE(client.open(post("/a"), true));
  run();
  server.say_goodbye(0, "bye");
  const Result<StreamId> late = client.open(post("/late"), true);
  ASSERT_TRUE(late);
  (void)client.output(1000);  // is lost on the way
  ASSERT_TRUE(client.take(server.output(1000)));
  EXPECT_EQ(there.heard, "goodbye 0 bye;closed 7 unprocessed;");
  EXPECT_FALSE(client.takes_streams());
  EXPECT_FALSE(client.open(post("/b"), true));
  EXPECT_EQ(client.streams(), 1u);
}

TEST_F(ClientPair, PingsAreAnswered) {
  client.ping();
  run();
  EXPECT_EQ(there.heard, "pong;");
}

TEST_F(ClientPair, TooManyFieldsResetTheStreamAndNothingElse) {
  ASSERT_TRUE(client.open(post("/a"), true));
  run();
  H2Fields fields = {{":status", "200"}};
  for (int i = 0; i < 3; ++i) fields.emplace_back("x" + std::to_string(i), std::string(4'000, 'x'));
  server.respond(here.id, fields);
  run();
  EXPECT_TRUE(there.heard.starts_with("closed ")) << there.heard;
  client.ping();
  run();
  EXPECT_TRUE(there.heard.ends_with("pong;"));
}

TEST_F(ClientPair, WhatIsUnknownIsPassedOver) {
  client.send(7, piece("x"));
  client.finish(7);
  client.reset(7, 8);
  client.consumed(7, 100);
  run();
  EXPECT_EQ(there.heard, "");
}

TEST_F(ClientPair, AnotherProtocolIsRefused) {
  EXPECT_FALSE(client.is_over());
  (void)client.take("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  (void)client.output(1000);
  EXPECT_TRUE(client.is_over());
  EXPECT_FALSE(client.has_settings());
}

TEST_F(ClientPair, AGoodbyeOfOursLetsStreamsEnd) {
  ASSERT_TRUE(client.open(post("/a"), true));
  client.say_goodbye();
  run();
  server.answer(here.id, {{":status", "200"}});
  const std::string out = server.output(1000);
  (void)client.take(out);
  EXPECT_EQ(there.heard, "answered 200 whole;closed 0;");
}

}  // namespace
}  // namespace proconsul::base::net
