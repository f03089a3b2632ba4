// The client against the server, over loopback.
#include "agent/grpc/client.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "agent/grpc/test_place.h"

namespace proconsul::agent::grpc {
namespace {

using base::Result;
using base::net::Loops;
using test::Ear;
using test::framed;
using test::Place;

/// "say N TEXT": N times, each when the last one has gone; "end CODE TEXT"; "hang"; "big N".
class Speaker final : public Handler {
 public:
  Speaker(Call& call, std::atomic<int>& open) : call_(call), open_(open) { ++open_; }
  ~Speaker() override { --open_; }
  void received(std::string_view message) override {
    const std::string text(message);
    const auto number = [&](std::size_t from) { return std::strtoul(text.c_str() + from, nullptr, 10); };
    if (text.starts_with("end ")) return call_.end({static_cast<Code>(number(4)), text.substr(text.rfind(' ') + 1)});
    if (text.starts_with("big ")) call_.send(framed(std::string(number(4), 'x')));
    if (!text.starts_with("say ")) return;
    for (std::size_t left = number(4); left > 0; --left) call_.send(framed(text.substr(text.rfind(' ') + 1)));
    call_.end({});
  }

 private:
  Call& call_;
  std::atomic<int>& open_;
};

Services speakers(std::atomic<int>& open) {
  Services all;
  all.add("test.Speaker", {{.name = "Speak", .shape = Shape::server_stream, .start = [&open](Call& call) {
                              return std::make_unique<Speaker>(call, open);
                            }}});
  return all;
}

class GrpcClient : public testing::Test {
 protected:
  ~GrpcClient() override { client.stop(); }
  std::unique_ptr<Client::Call> call(std::string_view what, Ear& ear, std::size_t on = 0) {
    std::unique_ptr<Client::Call> call;
    loops[on].run([&] { call = client.call(loops[on], place.target(), "/test.Speaker/Speak", framed(what), ear); });
    return call;
  }
  void drop(std::unique_ptr<Client::Call>& call, std::size_t on = 0) {
    loops[on].run([&] { call.reset(); });
  }

  Loops loops{2};
  std::atomic<int> open{0};
  Place place{loops, speakers(open)};
  Client client{loops, {}};
};

TEST_F(GrpcClient, CallsOfAServerShareOneConnection) {
  Ear one, two;
  auto first = call("say 2 hello", one, 0), second = call("say 1 world", two, 1);
  EXPECT_EQ(one.next(), "hello");
  EXPECT_EQ(one.next(), "hello");
  EXPECT_EQ(one.next(), "end 0 ");
  EXPECT_EQ(two.next(), "world");
  EXPECT_EQ(two.next(), "end 0 ");
  drop(first, 0);
  drop(second, 1);
  EXPECT_EQ(place.accepted, 1);
}

TEST_F(GrpcClient, StatusesComeWithTheirTexts) {
  Ear ear;
  auto one = call("end 5 lost", ear);
  EXPECT_EQ(ear.next(), "end 5 lost");
  drop(one);
  loops[0].run([&] { one = client.call(loops[0], place.target(), "/test.Nobody/Speak", framed(""), ear); });
  EXPECT_EQ(ear.next(), "end 12 unknown service test.Nobody");
  drop(one);
}

TEST_F(GrpcClient, WhoGivesUpTellsTheServer) {
  Ear ear;
  auto one = call("hang", ear), two = call("say 1 there", ear);
  EXPECT_EQ(ear.next(), "there");
  EXPECT_EQ(open, 1);
  drop(one);
  drop(two);
  while (open > 0) std::this_thread::yield();
}

// A server sends away who pings too often; a way that is judged is pinged soon.
TEST_F(GrpcClient, AQuietCallOnAJudgedWayGoesOn) {
  Client::Options options;
  std::atomic<int> judged{0};
  options.route = [&](const rpc::Target& target) {
    return base::net::Destination{.address = target.address, .reached = [&](bool) { ++judged; }};
  };
  options.judged_ping_after = std::chrono::milliseconds(5);
  Client other(loops, std::move(options));
  Ear ear;
  std::unique_ptr<Client::Call> quiet;
  loops[0].run([&] { quiet = other.call(loops[0], place.target(), "/test.Speaker/Speak", framed("hang"), ear); });
  while (open == 0) std::this_thread::yield();

  std::this_thread::sleep_for(std::chrono::milliseconds(200));

  EXPECT_EQ(open, 1);
  EXPECT_EQ(place.accepted, 1);
  drop(quiet);
  other.stop();
  EXPECT_GE(judged, 1);
}

TEST_F(GrpcClient, WhatIsNotConsumedIsNotSent) {
  Ear ear;
  auto slow = call("say 1000 " + std::string(10'000, 'x'), ear);
  for (int i = 0; i < 26; ++i) EXPECT_EQ(ear.next().size(), 10'000u);
  Ear other;  // by then, all that could come has
  auto ping = call("say 1 ping", other);
  EXPECT_EQ(other.next(), "ping");
  EXPECT_LT(ear.bytes(), 700'000u);
  std::size_t taken = 26, consumed = 0;
  while (taken < 1000) {
    loops[0].run([&] { slow->consumed((taken - consumed) * (10'000 + kFrameHead)); });
    consumed = taken;
    EXPECT_EQ(ear.next().size(), 10'000u);
    ++taken;
  }
  loops[0].run([&] { slow->consumed((taken - consumed) * (10'000 + kFrameHead)); });
  EXPECT_EQ(ear.next(), "end 0 ");
  drop(slow);
  drop(ping);
}

TEST_F(GrpcClient, AWayThatIsOutdatedIsLeftForABetterOne) {
  std::atomic<bool> outdated = false;
  Client moving(loops, {.outdated = [&](const rpc::Target&, const std::string&) { return outdated.load(); }});
  Ear stays, next;
  std::unique_ptr<Client::Call> one, two;
  loops[0].run([&] { one = moving.call(loops[0], place.target(), "/test.Speaker/Speak", framed("hang"), stays); });
  while (open == 0) std::this_thread::yield();
  outdated = true;
  EXPECT_EQ(stays.next(), "end 14 there is a better way to the server");
  outdated = false;
  loops[0].run([&] { two = moving.call(loops[0], place.target(), "/test.Speaker/Speak", framed("say 1 x"), next); });
  EXPECT_EQ(next.next(), "x");
  EXPECT_EQ(place.accepted, 2);
  drop(one);
  drop(two);
  moving.stop();
}

TEST_F(GrpcClient, AMessageThatIsTooLargeEndsItsCallAlone) {
  Ear ear;
  auto one = call("big 3000000", ear), two = call("big 9000000", ear);
  const std::string first = ear.next(), second = ear.next();
  EXPECT_EQ(std::max(first.size(), second.size()), 3'000'000u);
  EXPECT_EQ(first.size() < second.size() ? first : second,
            "end 8 grpc: received message larger than max (9000000 vs. 8388608)");
  drop(one);
  drop(two);
}

TEST_F(GrpcClient, ALostConnectionEndsItsCalls) {
  Ear ear;
  auto one = call("hang", ear);
  Ear other;
  auto two = call("say 1 x", other);
  EXPECT_EQ(other.next(), "x");
  place.stop();
  EXPECT_TRUE(ear.next().starts_with("end 14 error reading from server: "));  // EOF, or a reset
  drop(one);
  drop(two);
}

TEST_F(GrpcClient, WhereNobodyListensIsSaid) {
  const rpc::Target target = place.target();
  place.stop();
  Ear ear;
  auto one = call("hang", ear);
  EXPECT_EQ(ear.next(), "end 14 connection error: desc = \"transport: Error while dialing: dial tcp " + target.address +
                            ": connect: connection refused\"");
  drop(one);
}

TEST_F(GrpcClient, AStoppedClientEndsItsCalls) {
  Ear ear;
  auto one = call("hang", ear);
  Ear other;
  auto two = call("say 1 x", other);
  EXPECT_EQ(other.next(), "x");
  client.stop();
  EXPECT_EQ(ear.next(), "end 1 grpc: the client connection is closing");
  auto three = call("hang", ear);
  EXPECT_EQ(ear.next(), "end 1 grpc: the client connection is closing new");
  drop(one);
  drop(two);
  drop(three);
}

/// The first one that it names is where nobody listens.
class TwoServers final : public Servers {
 public:
  TwoServers(rpc::Target bad, rpc::Target good) : bad_(std::move(bad)), good_(std::move(good)) {}
  Result<rpc::Target> choose() override { return failures == 0 ? bad_ : good_; }
  void failed(const rpc::Target&, const Status&) override { ++failures; }
  std::atomic<int> failures{0};

 private:
  const rpc::Target bad_, good_;
};

TEST_F(GrpcClient, AnotherServerIsAskedWhenOneDoesNotAnswer) {
  rpc::Target bad = place.target();
  bad.address = "127.0.0.1:1";
  auto servers = std::make_shared<TwoServers>(bad, place.target());
  Ear ear;
  std::unique_ptr<RetriedCall> call;
  loops[0].run([&] {
    call = std::make_unique<RetriedCall>(loops[0], client, servers, "/test.Speaker/Speak", framed("say 1 hello"), ear);
  });
  EXPECT_EQ(ear.next(), "hello");
  EXPECT_EQ(ear.next(), "end 0 ");
  EXPECT_EQ(servers->failures, 1);
  loops[0].run([&] { call.reset(); });
}

TEST_F(GrpcClient, WhatNoServerCanHelpIsNotAskedAgain) {
  auto servers = std::make_shared<TwoServers>(place.target(), place.target());
  Ear ear;
  std::unique_ptr<RetriedCall> call;
  loops[0].run([&] {
    call = std::make_unique<RetriedCall>(loops[0], client, servers, "/test.Speaker/Speak", framed("end 3 no"), ear);
  });
  EXPECT_EQ(ear.next(), "end 3 no");
  EXPECT_EQ(servers->failures, 0);
  loops[0].run([&] { call.reset(); });
}

}  // namespace
}  // namespace proconsul::agent::grpc
