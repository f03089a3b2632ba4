#include "agent/telemetry/push.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <initializer_list>

#include "agent/telemetry/metric_line.h"
#include "base/net/socket.h"

namespace proconsul::agent {
namespace {

namespace metrics = base::metrics;
using base::net::Fd;
using testing::HasSubstr;

constexpr int kPatienceMilliseconds = 10'000;

TEST(MetricLine, StatsdHasLabelsInTheName) {
  const metrics::Labels labels{{"op", "set"}, {"dc", "a:b c"}};
  std::string out;

  append_statsd_line(out, {metrics::Kind::counter, "consul.fsm kvs", "consul.fsm kvs", labels, 2});
  append_statsd_line(out, {metrics::Kind::sample, "consul.t", "consul.t", {}, 0.25});
  append_statsd_line(out, {metrics::Kind::gauge, "consul.t", "consul.box.t", {}, -1});

  EXPECT_EQ(out, "consul.fsm_kvs.set.a_b_c:2.000000|c\nconsul.t:0.250000|ms\nconsul.box.t:-1.000000|g\n");
}

TEST(MetricLine, DogstatsdHasTagsAndNoHost) {
  const metrics::Labels labels{{"op", "set"}, {"empty", ""}};
  const std::string tags[] = {"env:prod", "a\nb"};
  std::string out;

  append_dogstatsd_line(out, {metrics::Kind::counter, "consul.kvs", "consul.kvs", labels, 3}, tags);
  append_dogstatsd_line(out, {metrics::Kind::gauge, "consul.level", "consul.box.level", {}, 0.5}, {});
  append_dogstatsd_line(out, {metrics::Kind::sample, "consul.t", "consul.t", {}, 0.5}, {});

  EXPECT_EQ(out, "consul.kvs:3|c|#env:prod,ab,op:set,empty\nconsul.level:0.5|g\nconsul.t:0.500000|ms\n");
}

Fd bound(int type, std::uint16_t& port) {
  Fd fd(::socket(AF_INET, type, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  name.sin_port = htons(port);
  const int one = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  if (type == SOCK_STREAM) EXPECT_EQ(::listen(fd.get(), 4), 0);
  port = base::net::local_port(fd.get());
  return fd;
}

/// Reads until all of `wanted` were among it.
std::string receive_until(int fd, std::initializer_list<std::string_view> wanted) {
  std::string got;
  char piece[65536];
  const auto missing = [&](std::string_view text) { return got.find(text) == std::string::npos; };
  while (std::ranges::any_of(wanted, missing)) {
    pollfd ready{fd, POLLIN, 0};
    if (::poll(&ready, 1, kPatienceMilliseconds) <= 0) break;
    const ssize_t count = ::recv(fd, piece, sizeof piece, 0);
    if (count <= 0) break;
    got.append(piece, static_cast<std::size_t>(count));
  }
  return got;
}

TEST(MetricsPush, StatsdAndDogstatsdGetWhatHappensAsDatagrams) {
  std::uint16_t statsd_port = 0, dogstatsd_port = 0;
  const Fd statsd = bound(SOCK_DGRAM, statsd_port);
  const Fd dogstatsd = bound(SOCK_DGRAM, dogstatsd_port);
  metrics::configure({});
  const auto push = MetricsPush::start({.statsd = "127.0.0.1:" + std::to_string(statsd_port),
                                        .dogstatsd = "127.0.0.1:" + std::to_string(dogstatsd_port),
                                        .dogstatsd_tags = {"a:b"}});
  ASSERT_TRUE(push);

  metrics::counter("test.push.sent").add(4);

  EXPECT_THAT(receive_until(statsd.get(), {"consul.test.push.sent:"}), HasSubstr("consul.test.push.sent:4.000000|c\n"));
  EXPECT_THAT(receive_until(dogstatsd.get(), {"consul.test.push.sent:"}),
              HasSubstr("consul.test.push.sent:4|c|#a:b\n"));
}

TEST(MetricsPush, StatsiteGetsAStream) {
  std::uint16_t port = 0;
  const Fd listener = bound(SOCK_STREAM, port);
  metrics::configure({});
  const auto push = MetricsPush::start({.statsite = "127.0.0.1:" + std::to_string(port)});
  ASSERT_TRUE(push);
  const Fd daemon(::accept(listener.get(), nullptr, nullptr));
  ASSERT_TRUE(daemon);

  metrics::gauge("test.push.level").set(9);
  metrics::sample("test.push.time").add(1.5);

  const std::string got = receive_until(daemon.get(), {"consul.test.push.level:", "consul.test.push.time:"});
  EXPECT_THAT(got, HasSubstr("consul.test.push.time:1.500000|ms\n"));
  EXPECT_THAT(got, HasSubstr("consul.test.push.level:9.000000|g\n"));
}

TEST(MetricsPush, AnAddressThatCannotBeIsAnError) {
  const auto push = MetricsPush::start({.dogstatsd = "[::1]:1:2"});

  ASSERT_FALSE(push);
  EXPECT_EQ(push.error().detail,
            "failed to initialize telemetry: 1 error occurred:\n\t* dial udp [::1]:1:2: address [::1]:1:2: too many "
            "colons in address");
}

TEST(MetricsPush, NothingToSendIsNoPush) {
  const auto push = MetricsPush::start({});

  ASSERT_TRUE(push);
  EXPECT_FALSE(*push);
}

}  // namespace
}  // namespace proconsul::agent
