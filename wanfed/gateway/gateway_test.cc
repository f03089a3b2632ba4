#include "wanfed/gateway/gateway.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/free_with.h"
#include "wanfed/gateway/test_support.h"

namespace proconsul::wanfed::gateway {
namespace {

using namespace testing;
using base::FreeWith;

/// Servers and clients of TLS with a certificate that nobody vouches for: it is compared as it is.
struct Tls {
  Tls() {
    key.reset(EVP_EC_gen("P-256"));
    certificate.reset(X509_new());
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    SSL_CTX_use_certificate(server.get(), certificate.get());
    SSL_CTX_use_PrivateKey(server.get(), key.get());
    SSL_CTX_set_alpn_select_cb(
        server.get(),
        [](SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in, unsigned, void*) {
          *out = in + 1;
          *size = in[0];
          return SSL_TLSEXT_ERR_OK;
        },
        nullptr);
  }
  std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>> key{};
  std::unique_ptr<X509, FreeWith<X509_free>> certificate{};
  std::unique_ptr<SSL_CTX, FreeWith<SSL_CTX_free>> server{SSL_CTX_new(TLS_server_method())};
  std::unique_ptr<SSL_CTX, FreeWith<SSL_CTX_free>> client{SSL_CTX_new(TLS_client_method())};
};
using Session = std::unique_ptr<SSL, FreeWith<SSL_free>>;

class Forwarding : public ::testing::TestWithParam<bool> {
 protected:
  Running running_{{.splicing = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Ways, Forwarding, ::testing::Bool(),
                         [](const auto& way) { return way.param ? "Spliced" : "Copied"; });

TEST_P(Forwarding, TlsGoesThroughUntouched) {
  Tls tls;
  Server server([&](int fd) {
    const Session session(SSL_new(tls.server.get()));
    SSL_set_fd(session.get(), fd);
    if (SSL_accept(session.get()) != 1) return;
    char buffer[100];
    const int got = SSL_read(session.get(), buffer, sizeof buffer);
    if (got > 0) SSL_write(session.get(), buffer, got);
    SSL_shutdown(session.get());
  });
  running_.route({{"s1.server.dc1.consul", {server.address()}}});

  const Fd fd = connect_to(running_.port);
  const Session session(SSL_new(tls.client.get()));
  SSL_set_fd(session.get(), fd.get());
  SSL_set_tlsext_host_name(session.get(), "S1.server.dc1.consul");
  SSL_set_alpn_protos(session.get(),
                      reinterpret_cast<const unsigned char*>("\x10"
                                                             "consul/rpc-multi"),
                      17);
  ASSERT_EQ(SSL_connect(session.get()), 1);
  ASSERT_EQ(SSL_write(session.get(), "hello", 5), 5);
  char buffer[10];
  ASSERT_EQ(SSL_read(session.get(), buffer, sizeof buffer), 5);

  EXPECT_EQ(std::string_view(buffer, 5), "hello");
  const std::unique_ptr<X509, FreeWith<X509_free>> shown(SSL_get1_peer_certificate(session.get()));
  EXPECT_EQ(X509_cmp(shown.get(), tls.certificate.get()), 0);
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(session.get(), &protocol, &size);
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(protocol), size), "consul/rpc-multi");
}

TEST_P(Forwarding, MuchGoesBothWaysAtOnceWhole) {
  constexpr std::size_t kSize = 16 << 20;
  const std::string up = pattern(kSize, 1), down = pattern(kSize, 2);
  std::promise<bool> came;
  Server server([&](int fd) {
    std::jthread sender([&] { send_all(fd, down); });
    const std::string hello = hello_for("web");
    came.set_value(receive(fd, hello.size() + kSize) == hello + up);
  });
  running_.route({{"web", {server.address()}}});

  const Fd fd = running_.open("web");
  std::jthread sender([&] { send_all(fd.get(), up); });
  const bool is_whole = receive(fd.get(), kSize) == down;

  EXPECT_TRUE(is_whole);
  EXPECT_TRUE(came.get_future().get());
  EXPECT_TRUE(eventually([&] { return running_.route_of("web").bytes_down == kSize; }));
  EXPECT_EQ(running_.route_of("web").bytes_up, kSize + hello_for("web").size());
}

TEST_P(Forwarding, AnEndOfOneDirectionIsPassedOnAlone) {
  const std::string answer = pattern(1 << 20, 3);
  std::string asked;
  Server server([&](int fd) {
    asked = receive(fd, 1 << 20);  // until its end
    send_all(fd, answer);
  });
  running_.route({{"web", {server.address()}}});

  const Fd fd = running_.open("web");
  send_all(fd.get(), "question");
  ::shutdown(fd.get(), SHUT_WR);
  const bool is_whole = receive(fd.get(), 2 << 20) == answer;
  const End end = end_of(fd.get());

  EXPECT_TRUE(is_whole);
  EXPECT_EQ(asked, hello_for("web") + "question");
  EXPECT_EQ(end, End::closed);
  EXPECT_TRUE(eventually([&] { return running_.gateway.snapshot().active == 0; }));
}

TEST_P(Forwarding, AResetIsPassedOnAsOne) {
  std::promise<End> end;
  Server server([&](int fd) { end.set_value(end_of(fd)); });
  running_.route({{"web", {server.address()}}});
  Fd fd = running_.open("web");
  ASSERT_TRUE(eventually([&] { return running_.route_of("web").active == 1; }));

  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  fd.reset();

  EXPECT_EQ(end.get_future().get(), End::reset);
  EXPECT_TRUE(eventually([&] { return running_.gateway.snapshot().active == 0; }));
}

TEST_P(Forwarding, ASlowReaderHoldsTheWriterBack) {
  constexpr std::size_t kSize = 48 << 20;
  const std::string all = pattern(kSize, 4);
  std::atomic<std::size_t> sent = 0;
  Server server([&](int fd) {
    std::string_view rest = all;
    while (!rest.empty()) {
      if (!send_all(fd, rest.substr(0, 64 * 1024))) return;
      rest.remove_prefix(std::min<std::size_t>(rest.size(), 64 * 1024));
      sent = all.size() - rest.size();
    }
  });
  running_.route({{"web", {server.address()}}});
  const Fd fd = running_.open("web");

  // It stops when all buffers on the way are full.
  std::size_t last = 1;
  EXPECT_TRUE(eventually([&] {
    std::this_thread::sleep_for(100ms);
    return sent > 0 && std::exchange(last, sent.load()) == sent;
  }));
  EXPECT_LT(sent, kSize);

  EXPECT_TRUE(receive(fd.get(), kSize) == all);
}

TEST(Gateway, AHelloInSinglePiecesArrivesAsItWas) {
  Running running;
  Server server(echo);
  running.route({{"web", {server.address()}}});
  const Fd fd = connect_to(running.port);
  for (const char byte : hello_for("web")) {
    send_all(fd.get(), {&byte, 1});
    std::this_thread::sleep_for(1ms);
  }

  EXPECT_TRUE(answers(fd.get(), "web"));
}

TEST(Gateway, ANameWithoutARouteIsAReset) {
  Running running;
  Server server(echo);
  running.route({{"web", {server.address()}}, {"nobody", {}}});

  EXPECT_EQ(end_of(running.open("other").get()), End::reset);
  EXPECT_EQ(end_of(running.open("nobody").get()), End::reset);
  const Fd plain = connect_to(running.port);
  send_all(plain.get(), "GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(end_of(plain.get()), End::reset);
  const Fd forged = connect_to(running.port);
  send_all(forged.get(), hello_for(std::string(16'000, 'a')));
  EXPECT_EQ(end_of(forged.get()), End::reset);
  {
    const Fd health_check = connect_to(running.port);
  }

  EXPECT_EQ(server.accepted(), 0);
  EXPECT_EQ(running.refused(Refusal::unknown_name), 1u);
  EXPECT_EQ(running.refused(Refusal::no_endpoints), 1u);
  EXPECT_EQ(running.refused(Refusal::not_tls), 1u);
  EXPECT_EQ(running.refused(Refusal::malformed_hello), 1u);
  EXPECT_TRUE(eventually([&] { return running.refused(Refusal::closed_before_hello) == 1; }));
  EXPECT_EQ(running.route_of("nobody").refused, 1u);
}

TEST(Gateway, DeadEndpointsAreSkippedEjectedAndTakenBack) {
  Running running({.balancer = {.first_ejection = 50ms, .longest_ejection = 100ms}});
  Server server(echo);
  DeadPort dead;
  running.route({{"web", {dead.address(), server.address()}}});

  for (int i = 0; i < 20; ++i) {
    const Fd fd = running.open("web");
    EXPECT_TRUE(answers(fd.get(), "web"));
  }

  const auto is_ejected = [&] {
    const RouteSnapshot route = running.route_of("web");
    return std::any_of(route.endpoints.begin(), route.endpoints.end(), [](const auto& each) { return each.ejected; });
  };
  EXPECT_TRUE(eventually([&] {
    const Fd fd = running.open("web");
    return answers(fd.get(), "web") && is_ejected();
  }));
  EXPECT_GE(running.route_of("web").connect_failures, 2u);
  EXPECT_EQ(running.route_of("web").refused, 0u);
  dead.listen();
  EXPECT_TRUE(eventually([&] { return !is_ejected(); }));
}

TEST(Gateway, WhenNoEndpointTakesConnectionsTheClientIsReset) {
  Running running;
  DeadPort one, other;
  running.route({{"web", {one.address(), other.address()}}});

  EXPECT_EQ(end_of(running.open("web").get()), End::reset);

  EXPECT_EQ(running.refused(Refusal::connect_failed), 1u);
  EXPECT_EQ(running.route_of("web").connect_failures, 2u);
}

TEST(Gateway, HostNamesAreLookedUp) {
  Running running;
  Server server(echo);
  running.route({{"web", {{"localhost", server.port()}}}, {"lost", {{"no-such-host.invalid", 443}}}});

  EXPECT_TRUE(answers(running.open("web").get(), "web"));
  EXPECT_TRUE(answers(running.open("web").get(), "web"));
  EXPECT_EQ(end_of(running.open("lost").get()), End::reset);
}

TEST(Gateway, ARouteToItselfIsNotFollowed) {
  Running running;
  running.route({{"web", {{"127.0.0.1", running.port}}}, {"named", {{"localhost", running.port}}}});
  Running everywhere;
  ASSERT_TRUE(everywhere.gateway.listen({{"0.0.0.0", 0}}));
  everywhere.port = everywhere.gateway.listening().front().port;
  everywhere.route({{"web", {{"127.0.0.1", everywhere.port}}}});

  EXPECT_EQ(end_of(running.open("web").get()), End::reset);
  EXPECT_EQ(end_of(everywhere.open("web").get()), End::reset);
  EXPECT_EQ(end_of(running.open("named").get()), End::reset);

  EXPECT_EQ(running.refused(Refusal::leads_back), 2u);
  EXPECT_EQ(everywhere.refused(Refusal::leads_back), 1u);
}

TEST(Gateway, OpenConnectionsOutliveTheirRouteForAWhile) {
  Running running({.limits = {.drain = 300ms}});
  Server server(echo);
  const std::vector<Topology::Service> routes{{"web", {server.address()}}};
  running.route(routes);
  const Fd fd = running.open("web");
  ASSERT_TRUE(answers(fd.get(), "web"));

  EXPECT_THAT(running.route({}).removed, ::testing::ElementsAre("web"));

  EXPECT_EQ(end_of(running.open("web").get()), End::reset);
  send_all(fd.get(), "still");
  EXPECT_EQ(receive(fd.get(), 5), "still");
  EXPECT_TRUE(running.route_of("web").gone);
  EXPECT_EQ(end_of(fd.get()), End::reset);
  EXPECT_EQ(running.refused(Refusal::drained), 1u);
  EXPECT_TRUE(eventually([&] { return running.gateway.snapshot().routes.empty(); }));
}

TEST(Gateway, ARouteThatComesBackKeepsItsConnectionsAndCounters) {
  Running running({.limits = {.drain = 200ms}});
  Server server(echo);
  const std::vector<Topology::Service> routes{{"web", {server.address()}}};
  running.route(routes);
  const Fd fd = running.open("web");
  ASSERT_TRUE(answers(fd.get(), "web"));

  running.route({});
  running.route(routes);
  std::this_thread::sleep_for(400ms);

  send_all(fd.get(), "still");
  EXPECT_EQ(receive(fd.get(), 5), "still");
  EXPECT_EQ(running.route_of("web").connections, 1u);
  EXPECT_EQ(running.refused(Refusal::drained), 0u);
}

TEST(Gateway, DrainingEndsWithTheLastConnection) {
  Running running;
  Server server(echo);
  running.route({{"web", {server.address()}}});
  Fd fd = running.open("web");
  ASSERT_TRUE(answers(fd.get(), "web"));

  std::promise<void> drained;
  std::future<void> end = drained.get_future();
  running.gateway.drain(60s, [&] { drained.set_value(); });

  EXPECT_TRUE(eventually([&] { return !connect_to(running.port); }));
  send_all(fd.get(), "still");
  EXPECT_EQ(receive(fd.get(), 5), "still");
  EXPECT_EQ(end.wait_for(50ms), std::future_status::timeout);
  fd.reset();
  EXPECT_EQ(end.wait_for(20s), std::future_status::ready);
}

TEST(Gateway, DrainingCutsWhatIsLeftAtItsDeadline) {
  Running running;
  Server server(echo);
  running.route({{"web", {server.address()}}});
  const Fd fd = running.open("web");
  ASSERT_TRUE(answers(fd.get(), "web"));

  std::promise<void> drained;
  running.gateway.drain(100ms, [&] { drained.set_value(); });

  EXPECT_EQ(end_of(fd.get()), End::reset);
  EXPECT_EQ(drained.get_future().wait_for(20s), std::future_status::ready);
  EXPECT_EQ(running.refused(Refusal::drained), 1u);
}

TEST(Gateway, OtherAddressesDoNotTouchOpenConnections) {
  Running running;
  Server server(echo);
  running.route({{"web", {server.address()}}});
  const Fd fd = running.open("web");
  ASSERT_TRUE(answers(fd.get(), "web"));
  const Server taken(echo);

  EXPECT_FALSE(running.gateway.listen({{"127.0.0.1", 0}, taken.address()}));
  EXPECT_TRUE(connect_to(running.port));
  EXPECT_TRUE(running.gateway.listen({{"127.0.0.2", 0}}));

  EXPECT_FALSE(connect_to(running.port));
  send_all(fd.get(), "still");
  EXPECT_EQ(receive(fd.get(), 5), "still");
}

TEST(Gateway, AnOldAddressDoesNotStandInTheWayOfANewOne) {
  Running running;
  Server server(echo);
  running.route({{"web", {server.address()}}});
  const Address one{"127.0.0.1", running.port}, all{"0.0.0.0", running.port};
  const Fd fd = running.open("web");
  ASSERT_TRUE(answers(fd.get(), "web"));

  ASSERT_TRUE(running.gateway.listen({all}));
  EXPECT_EQ(running.gateway.listening(), std::vector{all});
  EXPECT_TRUE(answers(running.open("web").get(), "web"));

  EXPECT_FALSE(running.gateway.listen({one, server.address()}));
  EXPECT_EQ(running.gateway.listening(), std::vector{all});
  EXPECT_TRUE(answers(running.open("web").get(), "web"));

  EXPECT_TRUE(running.gateway.listen({one}));
  EXPECT_TRUE(answers(running.open("web").get(), "web"));
  send_all(fd.get(), "still");
  EXPECT_EQ(receive(fd.get(), 5), "still");
}

TEST(Gateway, RoutesChangeUnderLoadWithoutALostConnection) {
  Running running;
  Server one(echo), two(echo);
  const std::vector<Topology::Service> first{{"web", {one.address()}}, {"db", {one.address()}}},
      second{{"web", {two.address(), one.address()}}};
  running.route(first);
  std::atomic<int> lost = 0, done = 0;
  std::atomic<bool> over = false;
  {
    std::vector<std::jthread> clients;
    for (int i = 0; i < 3; ++i) {
      clients.emplace_back([&] {
        while (!over) {
          const Fd fd = running.open("web");
          if (!answers(fd.get(), "web")) ++lost;
          ++done;
        }
      });
    }
    for (int i = 0; i < 200 || done < 100; ++i) {
      running.route(i % 2 == 0 ? second : first);
      std::this_thread::sleep_for(1ms);
    }
    over = true;
  }

  EXPECT_EQ(lost, 0);
  EXPECT_GE(running.route_of("web").connections, 100u);
}

}  // namespace
}  // namespace proconsul::wanfed::gateway
