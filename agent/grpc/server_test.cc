// The server whole, over loopback: what a client hears for right and wrong calls.
#include "agent/grpc/server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "agent/grpc/headers.h"
#include "agent/grpc/subscribe.h"
#include "agent/http/test_server.h"
#include "base/net/h2_codec.h"
#include "catalog/registry/register.h"
#include "catalog/registry/registry_fixture.h"

namespace proconsul::agent::grpc {
namespace {

using base::Result;
using base::net::Fd;
using base::net::field;
using base::net::H2Codec;
using base::net::H2Fields;

constexpr const char* kSubscribe = "/subscribe.StateChangeSubscription/Subscribe";

std::string framed(std::string_view message) {
  std::string out;
  append_frame(out, [&] { out += message; });
  return out;
}

/// A connection and one call on it, blocking, with a bound on every wait.
class Client {
 public:
  explicit Client(Fd socket) : socket_(std::move(socket)) {
    const timeval patience{.tv_sec = 30, .tv_usec = 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  void call(const std::string& path, std::string body, H2Fields more = {}, const std::string& method = "POST",
            const std::string& type = "application/grpc") {
    H2Fields fields = {{":method", method}, {":scheme", "http"},    {":path", path},
                       {":authority", "x"}, {"content-type", type}, {"te", "trailers"}};
    for (auto& each : more) fields.push_back(std::move(each));
    codec_.request(fields, std::move(body));
    flush();
  }
  void flush() { send(codec_.output()); }
  void send(std::string_view bytes) { (void)!::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  bool receive() {
    char buffer[16384];
    const ssize_t got = ::recv(socket_.get(), buffer, sizeof buffer, 0);
    if (got <= 0) return false;
    if (!codec_.take({buffer, static_cast<std::size_t>(got)})) return false;
    flush();
    input_ += codec_.drain_body();
    return true;
  }
  /// One message; "end: CODE TEXT" when the call ended, "closed" when the connection did.
  std::string next() {
    for (;;) {
      if (input_.size() >= kFrameHead && input_.size() >= kFrameHead + frame_size(input_)) {
        const std::size_t size = frame_size(input_);
        std::string message = input_.substr(kFrameHead, size);
        input_.erase(0, kFrameHead + size);
        return message;
      }
      if (codec_.answer().closed) return ended();
      if (!receive()) return "closed";
    }
  }
  std::string ended() const {
    const H2Fields& fields = codec_.answer().fields;
    return "end: " + std::string(field(fields, "grpc-status")) + " " + decode_message(field(fields, "grpc-message"));
  }
  Event event() {
    Event event;
    const std::string message = next();
    EXPECT_TRUE(schema().parse(message, event)) << message;
    return event;
  }
  H2Codec& codec() { return codec_; }
  void close() { socket_ = Fd(); }

 private:
  Fd socket_;
  H2Codec codec_{};
  std::string input_{};
};

/// Says what it hears, and ends when told.
class Echo final : public Handler {
 public:
  explicit Echo(Call& call) : call_(call) {}
  void received(std::string_view message) override {
    call_.send(std::make_shared<const std::string>(framed("heard " + std::string(message))));
    if (message == "end") call_.end({Code::not_found, "so be it: 100% \xc3\xbc"});
  }
  void finished() override { call_.end({}); }

 private:
  Call& call_;
};

class GrpcServer : public testing::Test {
 protected:
  static Services services(SubscribeService& subscriptions) {
    Services all;
    subscriptions.add_to(all);
    const auto echo = [](Call& call) { return std::make_unique<Echo>(call); };
    all.add("test.Echo", {{.name = "Both", .shape = Shape::both_stream, .start = echo},
                          {.name = "One", .shape = Shape::unary, .start = echo}});
    return all;
  }
  ~GrpcServer() override {
    server.stop();
    subscriptions.stop();
  }
  Client connect() {
    const Fd listener(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener.get(), 1), 0);
    ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
    Fd client(::socket(AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    server.accept(Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)), nullptr, place);
    return Client(std::move(client));
  }
  static std::string request(Topic topic, std::string key, std::uint64_t index = 0, std::string datacenter = "dc1") {
    SubscribeRequest message;
    message.Topic = static_cast<std::int32_t>(topic);
    message.Index = index;
    message.Datacenter = std::move(datacenter);
    message.WildcardSubject = key.empty();
    if (!key.empty()) message.NamedSubject.emplace().Key = std::move(key);
    std::string out;
    append_frame(out, [&] { schema().append(out, message); });
    return out;
  }
  void apply(catalog::RegisterRequest request) {
    const std::lock_guard lock(store.mutex);
    store.store.writer().begin_command(++store.index);
    ASSERT_TRUE(catalog::apply_register(store.store.writer(), std::move(request)));
    store.store.commit();
  }

  http::test::StoreServer store{};
  rpc::NoCluster alone{};
  std::shared_ptr<const void> place = std::make_shared<int>(0);
  base::net::Loops loops{2};
  grpc::Client calls{loops, {}};
  Subscriber elsewhere{calls, servers_elsewhere(alone)};
  SubscribeService subscriptions{loops, store, alone, elsewhere, {}};
  Server server{loops, services(subscriptions), {}};
};

using catalog::testing_support::service_request;

TEST_F(GrpcServer, ASubscriptionIsFedUntilTheClientGoes) {
  apply(service_request("n1", "w", "web"));
  Client client = connect();
  client.call(kSubscribe, request(Topic::service_health, "web"));

  Event event = client.event();
  EXPECT_EQ(event.Index, 11u);
  EXPECT_EQ(event.ServiceHealth->CheckServiceNode->Node->Node, "n1");
  EXPECT_TRUE(client.event().EndOfSnapshot);
  apply(service_request("n2", "w", "web"));
  event = client.event();
  EXPECT_EQ(event.Index, 12u);
  EXPECT_EQ(event.ServiceHealth->CheckServiceNode->Node->Node, "n2");
  EXPECT_EQ(field(client.codec().answer().fields, "content-type"), "application/grpc");

  EXPECT_EQ(place.use_count(), 2);
  client.close();
  while (place.use_count() > 1) std::this_thread::yield();
}

TEST_F(GrpcServer, WrongSubscriptionsEndWithTheRecordedErrors) {
  const auto end_of = [&](const std::string& body) {
    Client client = connect();
    client.call(kSubscribe, body);
    return client.next();
  };
  EXPECT_EQ(end_of(request(Topic::service_health, "")),
            "end: 2 topic ServiceHealth does not support wildcard subscriptions");
  EXPECT_EQ(end_of(request(Topic::unknown, "x")), "end: 3 cannot construct subject for topic Unknown");
  EXPECT_EQ(end_of(request(Topic::ip_rate_limit, "x")), "end: 3 cannot construct subject for topic IPRateLimit");
  EXPECT_EQ(end_of(request(static_cast<Topic>(77), "x")), "end: 3 cannot construct subject for topic 77");
  EXPECT_EQ(end_of(request(static_cast<Topic>(77), "")), "end: 2 unknown topic 77");
  EXPECT_EQ(end_of(request(Topic::service_list, "x")),
            "end: 3 topic ServiceList can only be consumed using WildcardSubject");
  EXPECT_EQ(end_of(framed("")), "end: 3 either WildcardSubject or NamedSubject.Key is required");
  EXPECT_EQ(end_of(request(Topic::service_health, "x", 0, "dc9")),
            "end: 14 resolver error: resolver produced no addresses");
  EXPECT_EQ(end_of(framed("\x08")),
            std::string("end: 13 grpc: failed to unmarshal the received message: ") + base::pb::kInvalidFormat);
  EXPECT_EQ(end_of(""), "end: 2 EOF");
  EXPECT_EQ(end_of(framed("abc").substr(0, 6)), "end: 13 unexpected EOF");
}

TEST_F(GrpcServer, ARestoreEndsSubscriptionsWithAborted) {
  Client client = connect();
  client.call(kSubscribe, request(Topic::service_health, "web"));
  EXPECT_TRUE(client.event().EndOfSnapshot);
  {
    const std::lock_guard lock(store.mutex);
    store.index = 40;
    store.store.replace({}, 40);
  }
  EXPECT_EQ(client.next(), "end: 10 subscription closed by server, client must reset state and resubscribe");
}

TEST_F(GrpcServer, BeforeALeaderIsKnownNobodyIsServed) {
  store.leads = false;
  store.last_contact = server::Leadership::kNever;
  Client client = connect();
  client.call(kSubscribe, request(Topic::service_health, "web"), {{"grpc-timeout", "300m"}});
  EXPECT_EQ(client.next(), "end: 4 context deadline exceeded");

  Client waiting = connect();
  waiting.call(kSubscribe, request(Topic::service_health, "web"));
  store.leads = true;
  EXPECT_TRUE(waiting.event().EndOfSnapshot);
}

TEST_F(GrpcServer, WhoReadsNothingIsToldToStartAnew) {
  Client client = connect();
  client.call(kSubscribe, request(Topic::service_health, "web"));
  EXPECT_TRUE(client.event().EndOfSnapshot);
  // Far more than what the client's windows and the server's patience hold.
  for (int i = 0; i < 120; ++i) {
    catalog::RegisterRequest big = service_request("n1", "w", "web");
    big.Check = catalog::testing_support::check_of("n1", "c", "passing", "w");
    big.Check->Output = std::string(50'000, static_cast<char>('a' + i % 26));
    apply(big);
  }
  int events = 0;
  std::string last;
  while (!(last = client.next()).starts_with("end: ") && last != "closed") ++events;
  EXPECT_EQ(last, "end: 10 subscription closed by server, client must reset state and resubscribe");
  EXPECT_LT(events, 120);
}

TEST_F(GrpcServer, BothSidesMayStream) {
  Client client = connect();
  client.call("/test.Echo/Both", framed("a") + framed("") + framed("b"));
  EXPECT_EQ(client.next(), "heard a");
  EXPECT_EQ(client.next(), "heard ");
  EXPECT_EQ(client.next(), "heard b");
  EXPECT_EQ(client.next(), "end: 0 ");
}

TEST_F(GrpcServer, AUnaryCallHasOneMessageAndItsTextsAreEscaped) {
  Client client = connect();
  client.call("/test.Echo/One", framed("end") + framed("more"), {}, "POST", "application/grpc+proto");
  EXPECT_EQ(client.next(), "heard end");
  EXPECT_EQ(client.next(), "end: 5 so be it: 100% \xc3\xbc");
  EXPECT_EQ(field(client.codec().answer().fields, "grpc-message"), "so be it: 100%25 %C3%BC");
  EXPECT_EQ(field(client.codec().answer().fields, "content-type"), "application/grpc+proto");
}

TEST_F(GrpcServer, WhatIsNoCallIsRefusedAsGrpcGoDoes) {
  const auto end_of = [&](const std::string& path, H2Fields more = {}, const std::string& method = "POST",
                          const std::string& type = "application/grpc", std::string body = framed("x")) {
    Client client = connect();
    client.call(path, std::move(body), std::move(more), method, type);
    const std::string end = client.next();
    return std::string(field(client.codec().answer().fields, ":status")) + " " + end;
  };
  EXPECT_EQ(end_of("/no.Service/X"), "200 end: 12 unknown service no.Service");
  EXPECT_EQ(end_of("/test.Echo/X"), "200 end: 12 unknown method X for service test.Echo");
  EXPECT_EQ(end_of("/nothing"), "200 end: 12 malformed method name: \"/nothing\"");
  EXPECT_EQ(end_of("/test.Echo/One", {}, "POST", "text/plain"),
            "415 end: 3 invalid gRPC request content-type \"text/plain\"");
  EXPECT_EQ(end_of("/test.Echo/One", {}, "PUT"),
            "405 end: 13 Received a HEADERS frame with :method \"PUT\" which should be POST");
  EXPECT_EQ(end_of("/test.Echo/One", {{"grpc-timeout", "1x"}}),
            "400 end: 13 malformed grpc-timeout: transport: timeout unit is not recognized: \"1x\"");
  EXPECT_EQ(end_of("/test.Echo/One", {{"grpc-encoding", "gzip"}}),
            "200 end: 12 grpc: Decompressor is not installed for grpc-encoding \"gzip\"");
  EXPECT_EQ(end_of("/test.Echo/One", {}, "POST", "application/grpc", std::string("\1\0\0\0\0", 5)),
            "200 end: 13 grpc: compressed flag set with identity or empty encoding");
  EXPECT_EQ(end_of("/test.Echo/One", {}, "POST", "application/grpc", std::string("\7\0\0\0\0", 5)),
            "200 end: 13 grpc: received unexpected payload format 7");
  EXPECT_EQ(end_of("/test.Echo/One", {}, "POST", "application/grpc", std::string("\0\1\0\0\0", 5)),
            "200 end: 8 grpc: received message larger than max (16777216 vs. 4194304)");
}

TEST_F(GrpcServer, AClientThatPingsWithoutPauseIsSentAway) {
  Client client = connect();
  for (int i = 0; i < 3; ++i) client.codec().ping();
  client.flush();
  client.codec().ping();
  client.codec().ping();
  client.flush();
  Client other = connect();
  other.codec().ping();
  other.flush();
  while (!other.codec().has_pong()) ASSERT_TRUE(other.receive());
  EXPECT_EQ(client.next(), "closed");
}

TEST_F(GrpcServer, AnotherProtocolEndsTheConnection) {
  Client client = connect();
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  while (place.use_count() > 1) std::this_thread::yield();
}

}  // namespace
}  // namespace proconsul::agent::grpc
