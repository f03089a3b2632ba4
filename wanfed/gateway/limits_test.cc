// Clients that take more than their share, and the many that take theirs.
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "wanfed/gateway/dial.h"
#include "wanfed/gateway/test_support.h"

namespace proconsul::wanfed::gateway {
namespace {

using namespace testing;

TEST(GatewayLimits, ASlowHelloIsCutInTime) {
  Running running({.limits = {.hello_timeout = 200ms}});
  Server server(echo);
  running.route({{"web", {server.address()}}});
  const Fd silent = connect_to(running.port), slow = connect_to(running.port);

  // Each byte on its own would be in time.
  std::atomic<bool> told_by_sending = false;  // of the reset, which receiving shows as an end then
  std::jthread drip([&](const std::stop_token& stop) {
    const std::string hello = hello_for("web");
    for (std::size_t i = 0; i + 1 < hello.size() && !stop.stop_requested() && !told_by_sending; ++i) {
      told_by_sending = !send_all(slow.get(), hello.substr(i, 1));
      std::this_thread::sleep_for(20ms);
    }
  });

  EXPECT_EQ(end_of(silent.get()), End::reset);
  const End end = end_of(slow.get());
  drip.request_stop();
  drip.join();
  EXPECT_TRUE(end == End::reset || told_by_sending);
  EXPECT_EQ(running.refused(Refusal::hello_timeout), 2u);
}

TEST(GatewayLimits, TheOldestWithoutAHelloMakesRoom) {
  Running running({.limits = {.opening = 2}}, 1);
  Server server(echo);
  running.route({{"web", {server.address()}}});
  const Fd first = connect_to(running.port), second = connect_to(running.port);
  ASSERT_TRUE(eventually([&] { return running.gateway.snapshot().accepted == 2; }));

  const Fd third = running.open("web");

  EXPECT_TRUE(answers(third.get(), "web"));
  EXPECT_EQ(end_of(first.get()), End::reset);
  send_all(second.get(), hello_for("web"));
  EXPECT_TRUE(answers(second.get(), "web"));
  EXPECT_EQ(running.refused(Refusal::too_many_opening), 1u);
}

TEST(GatewayLimits, HellosThatWaitAreBoundedInBytesToo) {
  Running running({.limits = {.held_bytes = 40'000}}, 1);
  Server server(echo);
  running.route({{"web", {server.address()}}});
  // The first record of a hello of 60 KiB.
  const std::string part = std::string("\x16\x03\x01\x40\x00\x01\x00\xf0\x00", 9) + std::string(16'380, 'x');
  std::vector<Fd> flood;
  for (int i = 0; i < 5; ++i) {
    flood.push_back(connect_to(running.port));
    send_all(flood.back().get(), part);
  }

  EXPECT_TRUE(eventually([&] { return running.refused(Refusal::too_many_opening) == 3; }));
  Fd heard = running.open("web");
  EXPECT_TRUE(answers(heard.get(), "web"));
  EXPECT_EQ(running.gateway.snapshot().active, 3);
  flood.clear();
  heard.reset();
  EXPECT_TRUE(eventually([&] { return running.gateway.snapshot().active == 0; }));
  EXPECT_TRUE(answers(running.open("web").get(), "web"));
}

TEST(GatewayLimits, ConnectionsAreLimitedInAllAndForEachSource) {
  Server server(echo);
  for (const bool each : {false, true}) {
    Running running({.limits = {.connections = each ? 0 : 2, .per_source = each ? 2 : 0}});
    running.route({{"web", {server.address()}}});
    Fd first = running.open("web");
    const Fd second = running.open("web");
    ASSERT_TRUE(answers(first.get(), "web") && answers(second.get(), "web"));

    // A reset that comes before the hello is sent is told by sending, and receiving shows an end.
    EXPECT_NE(end_of(running.open("web").get()), End::open);
    EXPECT_EQ(running.refused(each ? Refusal::too_many_from_source : Refusal::too_many_connections), 1u);

    first.reset();
    EXPECT_TRUE(eventually([&] { return running.gateway.snapshot().active == 1; }));
    EXPECT_TRUE(answers(running.open("web").get(), "web"));

    running.gateway.set_limits({.connections = 100});
    const Fd third = running.open("web"), fourth = running.open("web");
    EXPECT_TRUE(answers(third.get(), "web") && answers(fourth.get(), "web"));
  }
}

TEST(GatewayLimits, AnEndpointThatNeverAnswersIsGivenUp) {
  Running running({.limits = {.answer_timeout = 100ms}});
  std::atomic<bool> over = false;
  Server server([&](int) {
    while (!over) std::this_thread::sleep_for(5ms);
  });
  running.route({{"web", {server.address()}}});

  EXPECT_EQ(end_of(running.open("web").get()), End::reset);

  EXPECT_EQ(running.refused(Refusal::no_answer), 1u);
  over = true;
}

TEST(GatewayLimits, SilentServersHereAreToldSoonByAReset) {
  Running running({.limits = {.connect_timeout = 60'000ms, .dial_timeout = 60'000ms, .servers_timeout = 900ms}});
  BlackHole lost, other;
  Server well(echo);
  running.gateway.set_routes(std::make_shared<const RouteTable>(
      Topology{.datacenter = "dc1",
               .wan_federation = true,
               .servers = {{"lost", lost.address()}, {"other", other.address()}, {"well", well.address()}}}));

  EXPECT_EQ(end_of(running.open("lost.server.dc1.consul").get()), End::reset);

  EXPECT_EQ(running.refused(Refusal::connect_failed), 1u);
  // Of all servers together the silent ones leave time for the one that answers.
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(answers(running.open("server.dc1.consul").get(), "server.dc1.consul"));
}

TEST(GatewayLimits, AnEndpointThatIsSilentGetsNoConnectionsForAWhile) {
  // The gateway gives up, or the client does: half-closed, whole, or with a reset.
  for (const int how : {0, 1, 2}) {
    Running running({.limits = {.answer_timeout = how == 0 ? 100ms : 60'000ms, .silence = 50ms}});
    std::atomic<bool> over = false;
    Server silent([&](int) {
      while (!over) std::this_thread::sleep_for(5ms);
    });
    Server well(echo);
    running.route({{"web", {silent.address(), well.address()}}});
    const auto ejected = [&] { return running.route_of("web").ejections == 1; };

    for (int i = 0; i < 100 && !ejected(); ++i) {
      Fd fd = running.open("web");
      if (how == 0) {
        receive(fd.get(), 1);
        continue;
      }
      std::this_thread::sleep_for(60ms);
      if (how == 2) reset_connection(std::move(fd));
      fd.reset();
      std::this_thread::sleep_for(20ms);
    }

    EXPECT_TRUE(eventually(ejected)) << how;
    const int before = silent.accepted();
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(answers(running.open("web").get(), "web"));
    EXPECT_EQ(silent.accepted(), before);
    over = true;
  }
}

TEST(GatewayLimits, AnEndpointThatRefusesANameIsNotSilent) {
  Running running({.limits = {.silence = 0ms}});
  Server refuses([](int fd) {
    receive(fd, 1);
    reset_connection(Fd(::dup(fd)));
    ::shutdown(fd, SHUT_RDWR);
  });
  Server well(echo);
  running.route({{"web", {refuses.address(), well.address()}}});

  for (int i = 0; i < 20; ++i) receive(running.open("web").get(), 1);

  EXPECT_EQ(running.route_of("web").ejections, 0u);
}

TEST(GatewayLimits, WhatIsIdleForTooLongIsCut) {
  Running running({.limits = {.idle_timeout = 150ms}});
  Server server(echo);
  running.route({{"web", {server.address()}}});
  const Fd fd = running.open("web");
  ASSERT_TRUE(answers(fd.get(), "web"));

  for (int i = 0; i < 10; ++i) {
    std::this_thread::sleep_for(30ms);
    send_all(fd.get(), "x");
    ASSERT_EQ(receive(fd.get(), 1), "x");
  }

  EXPECT_EQ(end_of(fd.get()), End::reset);
  EXPECT_EQ(running.refused(Refusal::idle), 1u);
}

/// Echoes for any number of connections, small pieces only, on one thread.
class ManyEcho {
 public:
  ManyEcho() : listener_(std::move(*base::net::listen_tcp("127.0.0.1", 0))), poll_(::epoll_create1(EPOLL_CLOEXEC)) {
    watch(listener_.get());
    thread_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) serve();
    });
  }
  Address address() const { return {"127.0.0.1", base::net::local_port(listener_.get())}; }

 private:
  void watch(int fd) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    ::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, fd, &event);
  }
  void serve() {
    epoll_event events[64];
    const int count = ::epoll_wait(poll_.get(), events, 64, 20);
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == listener_.get()) {
        if (Fd taken(::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC)); taken) {
          watch(taken.get());
          open_.push_back(std::move(taken));
        }
        continue;
      }
      char buffer[4096];
      const ssize_t got = ::recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
      if (got > 0) {
        send_all(fd, {buffer, static_cast<std::size_t>(got)});
      } else {
        ::epoll_ctl(poll_.get(), EPOLL_CTL_DEL, fd, nullptr);
        ::shutdown(fd, SHUT_RDWR);
      }
    }
  }
  Fd listener_, poll_;
  std::list<Fd> open_{};
  std::jthread thread_{};
};

TEST(GatewayLimits, ThousandsOfConnectionsAreForwardedEachToItsOwn) {
  Running running;
  rlimit files{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
  const std::size_t count = std::min<std::size_t>(3000, (files.rlim_cur - 200) / 5);
  ManyEcho server;
  running.route({{"web", {server.address()}}});
  std::vector<Fd> clients;
  for (std::size_t i = 0; i < count; ++i) {
    clients.push_back(running.open("web"));
    ASSERT_TRUE(answers(clients.back().get(), "web")) << i;
  }

  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < count; ++i) ASSERT_TRUE(send_all(clients[i].get(), number(i, 4)));
    for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(receive(clients[i].get(), 4), number(i, 4)) << i;
  }

  EXPECT_EQ(running.gateway.snapshot().active, static_cast<std::int64_t>(count));
  clients.clear();
  EXPECT_TRUE(eventually([&] { return running.gateway.snapshot().active == 0; }));
  EXPECT_EQ(running.route_of("web").endpoints.front().active, 0u);
}

}  // namespace
}  // namespace proconsul::wanfed::gateway
