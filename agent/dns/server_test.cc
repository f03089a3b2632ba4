#include "agent/dns/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "agent/dns/test_messages.h"
#include "agent/http/test_server.h"
#include "catalog/registry/register.h"

namespace proconsul::agent::dns {
namespace {

using http::test::eventually;
using http::test::StoreServer;
using test::Answer;
using test::message_of;
using test::Question;
using testing::ElementsAre;
using testing::SizeIs;

/// A socket connected to a loopback port, with a bound on every wait.
class Socket {
 public:
  Socket(int type, std::uint16_t port) : fd_(::socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::abort();
  }
  ~Socket() { ::close(fd_); }
  Socket(const Socket&) = delete;
  void send(std::string_view bytes) { (void)!::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  /// What comes next; empty after `milliseconds`, or at the end of the connection.
  std::string receive(int milliseconds = 10'000) {
    pollfd ready{.fd = fd_, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, milliseconds) <= 0) return {};
    std::string bytes(65536, '\0');
    const ssize_t got = ::recv(fd_, bytes.data(), bytes.size(), 0);
    bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return bytes;
  }
  std::string receive_framed() {
    while (in_.size() < 2 || in_.size() < 2U + read16(in_, 0)) {
      std::string more = receive();
      if (more.empty()) return {};
      in_ += more;
    }
    std::string message = in_.substr(2, read16(in_, 0));
    in_.erase(0, 2 + message.size());
    return message;
  }
  bool closed(int milliseconds = 10'000) {
    pollfd ready{.fd = fd_, .events = POLLIN, .revents = 0};
    char byte;
    return ::poll(&ready, 1, milliseconds) == 1 && ::recv(fd_, &byte, 1, 0) <= 0;
  }

 private:
  int fd_;
  std::string in_{};
};

std::string framed(std::string_view message) {
  std::string bytes;
  test::put16(bytes, static_cast<unsigned>(message.size()));
  bytes += message;
  return bytes;
}

/// Another DNS server: answers with one address and a TTL, or with an rcode, or not at all.
class Upstream {
 public:
  enum class Does { answer, fail, ignore };
  explicit Upstream(Does does) : does_(does) {
    for (int i = 0; i < 100 && tcp_ < 0; ++i) {  // the same port must be free for both
      if (udp_ >= 0) ::close(udp_);
      udp_ = bound(SOCK_DGRAM, 0);
      tcp_ = bound(SOCK_STREAM, port_);
    }
    if (udp_ < 0 || tcp_ < 0) std::abort();
    ::listen(tcp_, 8);
    thread_ = std::thread([this] { run(); });
  }
  ~Upstream() {
    stop_ = true;
    thread_.join();
    ::close(udp_);
    ::close(tcp_);
  }
  Recursor recursor() const {
    Recursor made;
    auto& address = reinterpret_cast<sockaddr_in&>(made.address);
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    made.size = sizeof address;
    return made;
  }
  std::atomic<int> asked = 0;

 private:
  int bound(int type, std::uint16_t port) {
    const int fd = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0) {
      ::close(fd);
      return -1;
    }
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    return fd;
  }
  std::string reply(std::string_view question) const {
    std::string answer(question);
    answer[2] = static_cast<char>(answer[2] | 0x80);
    if (does_ == Does::fail) {
      answer[3] = kServerFailure;
      return answer;
    }
    answer[7] = 1;
    answer += std::string("\xc0\x0c\0\1\0\1\0\0\0\x2a\0\4\x0a\x09\x09\x09", 16);
    return answer;
  }
  void run() {
    while (!stop_) {
      pollfd ready[] = {{udp_, POLLIN, 0}, {tcp_, POLLIN, 0}};
      if (::poll(ready, 2, 20) <= 0) continue;
      char bytes[4096];
      if (ready[0].revents != 0) {
        sockaddr_in from{};
        socklen_t size = sizeof from;
        const ssize_t got = ::recvfrom(udp_, bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&from), &size);
        ++asked;
        if (got <= 0 || does_ == Does::ignore) continue;
        const std::string out = reply({bytes, static_cast<std::size_t>(got)});
        std::string forged = out;
        forged[0] = static_cast<char>(forged[0] + 1);
        forged.back() = 1;
        for (const std::string& message : {forged, out}) {
          ::sendto(udp_, message.data(), message.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
        }
      }
      if (ready[1].revents != 0) {
        const int fd = ::accept(tcp_, nullptr, nullptr);
        const ssize_t got = ::recv(fd, bytes, sizeof bytes, 0);
        ++asked;
        if (got > 2 && does_ != Does::ignore) {
          const std::string out = framed(reply({bytes + 2, static_cast<std::size_t>(got) - 2}));
          ::send(fd, out.data(), out.size(), MSG_NOSIGNAL);
        }
        ::close(fd);
      }
    }
  }
  const Does does_;
  int udp_ = -1;
  int tcp_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread thread_{};
};

class DnsOnSockets : public testing::Test {
 protected:
  DnsOnSockets() {
    settings.domain = {.name = *to_name("consul"), .labels = 1};
    settings.datacenter = "dc1";
    settings.node_name = "n1";
    settings.max_stale = base::seconds(3600);
    settings.udp_answer_limit = 3;
    settings.recursor_timeout = base::milliseconds(200);
    for (int i = 0; i < 100; ++i) {
      catalog::RegisterRequest request;
      request.Datacenter = "dc1";
      request.Node = "node-" + std::to_string(i);
      request.Address = "10.0.0." + std::to_string(i);
      request.Service.emplace().Service = "web";
      request.Service->ID = "web";
      server.store.writer().begin_command(++server.index);
      EXPECT_TRUE(catalog::apply_register(server.store.writer(), std::move(request)));
    }
    server.store.commit();
  }
  void start() {
    dns = std::make_unique<DnsServer>(loops, &server, nullptr, Eyes(), settings);
    config::Address address{.kind = config::Address::Kind::udp, .ip = *config::Ip::parse("127.0.0.1")};
    udp = dns->listen(address).value();
    address.kind = config::Address::Kind::tcp;
    tcp = dns->listen(address).value();
  }
  Answer ask(const Question& question) {
    Socket socket(SOCK_DGRAM, udp);
    socket.send(message_of(question));
    return test::read_answer(socket.receive());
  }
  Answer ask_tcp(const Question& question) {
    Socket socket(SOCK_STREAM, tcp);
    socket.send(framed(message_of(question)));
    return test::read_answer(socket.receive_framed());
  }

  Settings settings{};
  StoreServer server{};
  base::net::Loops loops{2};
  std::unique_ptr<DnsServer> dns;
  std::uint16_t udp = 0;
  std::uint16_t tcp = 0;
};

TEST_F(DnsOnSockets, AnswersOnBothTransports) {
  start();
  EXPECT_THAT(ask({.name = "web.service.consul"}).answers, SizeIs(3));
  EXPECT_THAT(ask_tcp({.name = "web.service.consul"}).answers, SizeIs(100));
}

TEST_F(DnsOnSockets, ASecondServerOnTheSamePortIsRefused) {
  start();
  base::net::Loops other_loops{1};
  DnsServer other(other_loops, &server, nullptr, {}, settings);
  config::Address address{.kind = config::Address::Kind::udp, .ip = *config::Ip::parse("127.0.0.1"), .port = udp};
  EXPECT_EQ(other.listen(address).error().detail,
            "listen udp 127.0.0.1:" + std::to_string(udp) + ": bind: address already in use");
  address = {.kind = config::Address::Kind::tcp, .ip = *config::Ip::parse("127.0.0.1"), .port = tcp};
  EXPECT_EQ(other.listen(address).error().detail,
            "listen tcp 127.0.0.1:" + std::to_string(tcp) + ": bind: address already in use");
}

TEST_F(DnsOnSockets, AnswersComeFromTheAddressThatWasAsked) {
  dns = std::make_unique<DnsServer>(loops, &server, nullptr, Eyes(), settings);
  config::Address address{.kind = config::Address::Kind::udp, .ip = *config::Ip::parse("0.0.0.0")};
  udp = dns->listen(address).value();
  EXPECT_THAT(ask({.name = "web.service.consul"}).answers, SizeIs(3));  // a connected socket takes no other
}

TEST_F(DnsOnSockets, BadDatagramsGetTheirCodeOrNothingAndHurtNobody) {
  start();
  Socket socket(SOCK_DGRAM, udp);
  socket.send("x");
  socket.send(std::string(65000, '\xff'));
  socket.send("");
  std::string bad = message_of({.name = "web.service.consul"});
  bad.replace(kHeaderSize, 2, "\xc0\x0c");
  socket.send(bad);
  EXPECT_EQ(test::read_answer(socket.receive()).rcode, kFormError);
  socket.send(message_of({.name = "web.service.consul"}));
  EXPECT_THAT(test::read_answer(socket.receive()).answers, SizeIs(3));
}

TEST_F(DnsOnSockets, ManyMessagesOnOneConnectionInAnyPieces) {
  start();
  Socket socket(SOCK_STREAM, tcp);
  std::string bytes;
  for (int i = 0; i < 50; ++i) bytes += framed(message_of({.name = i % 2 ? "web.service.consul" : "x.consul"}));
  bytes += framed("");  // no message at all is passed over
  bytes += framed(message_of({.name = "node-1.node.consul"}));
  for (std::size_t at = 0; at < bytes.size(); at += 7) socket.send(bytes.substr(at, 7));
  for (int i = 0; i < 50; ++i) {
    ASSERT_THAT(test::read_answer(socket.receive_framed()).answers, SizeIs(i % 2 ? 100 : 0)) << i;
  }
  EXPECT_THAT(test::read_answer(socket.receive_framed()).answers, SizeIs(1));
}

TEST_F(DnsOnSockets, AConnectionThatSendsNothingIsClosedAndAfterManyMessagesToo) {
  start();
  Socket silent(SOCK_STREAM, tcp);
  Socket half(SOCK_STREAM, tcp);
  half.send(framed(message_of({.name = "x.consul"})).substr(0, 9));
  Socket eager(SOCK_STREAM, tcp);
  std::string bytes;
  for (int i = 0; i < 130; ++i) bytes += framed(message_of({.name = "x.consul"}));
  eager.send(bytes);
  for (int i = 0; i < 128; ++i) ASSERT_FALSE(eager.receive_framed().empty()) << i;
  EXPECT_EQ(eager.receive_framed(), "");
  EXPECT_TRUE(silent.closed());
  EXPECT_TRUE(half.closed());
  EXPECT_TRUE(eventually([&] { return dns->counts().tcp_connections == 0; }));
}

TEST_F(DnsOnSockets, RecursorsAreTriedInTurnAndForgedAnswersPassedOver) {
  Upstream dead(Upstream::Does::ignore);
  Upstream failing(Upstream::Does::fail);
  Upstream good(Upstream::Does::answer);
  settings.recursors = {dead.recursor(), failing.recursor(), good.recursor()};
  start();
  const Answer answer = ask({.name = "www.Example.com"});
  EXPECT_THAT(answer.answers, ElementsAre("www.Example.com. 42 A 10.9.9.9"));
  EXPECT_EQ(dead.asked + failing.asked, 2);
  EXPECT_THAT(ask_tcp({.name = "www.example.com"}).answers, SizeIs(1));
  EXPECT_EQ(dns->counts().waiting, 0U);
}

TEST_F(DnsOnSockets, WhenAllRecursorsFailTheServerSaysSo) {
  Upstream failing(Upstream::Does::fail);
  settings.recursors = {failing.recursor(), failing.recursor()};
  settings.random_recursor = true;
  start();
  const Answer answer = ask({.name = "www.example.com", .edns = 1232});
  EXPECT_EQ(answer.rcode, kServerFailure);
  EXPECT_TRUE(answer.flags & kRecursionAvailable);
  EXPECT_THAT(answer.additional, ElementsAre("OPT 1232"));
  EXPECT_EQ(failing.asked, 2);
}

TEST_F(DnsOnSockets, HostNamesOfInstancesAreLookedUp) {
  Upstream good(Upstream::Does::answer);
  settings.recursors = {good.recursor()};
  catalog::RegisterRequest request;
  request.Datacenter = "dc1";
  request.Node = "ext";
  request.Address = "db.example.com";
  request.Service.emplace().Service = "db";
  server.store.writer().begin_command(++server.index);
  EXPECT_TRUE(catalog::apply_register(server.store.writer(), std::move(request)));
  server.store.commit();
  start();
  EXPECT_THAT(ask({.name = "db.service.consul"}).answers,
              ElementsAre("db.example.com. 42 A 10.9.9.9", "db.service.consul. 0 CNAME db.example.com."));
  EXPECT_THAT(ask_tcp({.name = "db.service.consul", .type = kTypeSrv}).additional,
              ElementsAre("db.example.com. 42 A 10.9.9.9"));
}

TEST_F(DnsOnSockets, WaitingQuestionsAreBoundedAndOthersAnsweredMeanwhile) {
  Upstream dead(Upstream::Does::ignore);
  settings.recursors = {dead.recursor()};
  settings.recursor_timeout = base::seconds(30);
  start();
  Socket flood(SOCK_DGRAM, udp);  // one socket is served by one loop
  int refused = 0;
  for (int i = 0; i < 600; ++i) {
    flood.send(message_of({.name = "x.example.com"}));
    if (i % 16 == 15 && !flood.receive(i < 500 ? 0 : 200).empty()) ++refused;
  }
  EXPECT_TRUE(eventually([&] { return dns->counts().waiting == 512; })) << dns->counts().waiting;
  EXPECT_GT(refused, 0);
  flood.send(message_of({.name = "web.service.consul"}));
  EXPECT_TRUE(eventually([&] { return test::read_answer(flood.receive()).answers.size() == 3; }));
  dns->stop();  // with all of them waiting
}

TEST_F(DnsOnSockets, AReloadCountsForTheNextQuestion) {
  start();
  settings.prefix_ttl = {{"", 33}};
  settings.udp_answer_limit = 1;
  dns->reload(settings);
  const Answer answer = ask({.name = "web.service.consul"});
  ASSERT_THAT(answer.answers, SizeIs(1));
  EXPECT_THAT(answer.answers[0], testing::StartsWith("web.service.consul. 33 A "));
}

TEST_F(DnsOnSockets, AnswersStayTrueWhileTheCatalogChanges) {
  start();
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) {
      catalog::RegisterRequest request;
      request.Datacenter = "dc1";
      request.Node = "node-" + std::to_string(i % 100);
      request.Address = "10.0." + std::to_string(i % 7) + ".1";
      server.store.writer().begin_command(++server.index);
      EXPECT_TRUE(catalog::apply_register(server.store.writer(), std::move(request)));
      server.store.commit();
    }
  });
  Socket one(SOCK_DGRAM, udp);
  Socket two(SOCK_STREAM, tcp);
  for (int i = 0; i < 300; ++i) {
    one.send(message_of({.name = "web.service.consul", .type = kTypeSrv}));
    EXPECT_THAT(test::read_answer(one.receive()).answers, SizeIs(3));
    if (i % 4 != 0) continue;
    two.send(framed(message_of({.name = "web.service.consul", .type = kTypeSrv})));
    EXPECT_THAT(test::read_answer(two.receive_framed()).answers, SizeIs(100));
  }
  stop = true;
  writer.join();
}

}  // namespace
}  // namespace proconsul::agent::dns
