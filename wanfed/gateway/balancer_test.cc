#include "wanfed/gateway/balancer.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace proconsul::wanfed::gateway {
namespace {

using namespace std::chrono_literals;
using Time = Balancer::Time;

const Time kStart{1000s};

std::vector<Address> addresses(int count) {
  std::vector<Address> out;
  for (int i = 1; i <= count; ++i) out.push_back({"10.0.0." + std::to_string(i), 8443});
  return out;
}

struct Fixture {
  explicit Fixture(int count, BalancerOptions options = {}) : balancer(options) {
    balancer.set_endpoints(addresses(count));
  }
  /// Picks until one has this address; the others are closed at once.
  EndpointId pick(const std::string& host, Time now) {
    for (;;) {
      const auto choice = balancer.pick(now, random);
      if (choice->address.host == host) return choice->id;
      balancer.closed(choice->id);
    }
  }
  std::set<std::string> picked(Time now, int times = 100) {
    std::set<std::string> seen;
    for (int i = 0; i < times; ++i) {
      const auto choice = balancer.pick(now, random);
      seen.insert(choice->address.host);
      balancer.closed(choice->id);
    }
    return seen;
  }
  Balancer balancer;
  base::SeededRandom random{1};
};

TEST(Balancer, SpreadsConnectionsEvenlyWhenTheyStay) {
  Fixture f(5);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(f.balancer.pick(kStart, f.random));

  for (const Balancer::Status& each : f.balancer.status()) EXPECT_NEAR(each.active, 200, 10);
}

TEST(Balancer, TheLessLoadedOfTwoGetsItAlways) {
  Fixture f(2);
  std::vector<EndpointId> held;
  for (int i = 0; i < 6; ++i) held.push_back(f.balancer.pick(kStart, f.random)->id);
  std::map<EndpointId, int> count;
  for (const EndpointId id : held) ++count[id];

  EXPECT_EQ(count.begin()->second, 3);
}

TEST(Balancer, NoneOfThoseTriedIsPickedAgain) {
  Fixture f(3);
  std::vector<EndpointId> tried;
  for (int i = 0; i < 3; ++i) tried.push_back(f.balancer.pick(kStart, f.random, tried)->id);

  EXPECT_EQ(std::set<EndpointId>(tried.begin(), tried.end()).size(), 3u);
  EXPECT_FALSE(f.balancer.pick(kStart, f.random, tried));
  EXPECT_FALSE(Balancer().pick(kStart, f.random));
}

TEST(Balancer, RefusalsInARowOrOneTimeoutEject) {
  Fixture f(3);

  EXPECT_FALSE(f.balancer.failed(f.pick("10.0.0.1", kStart), Failure::refused, kStart));
  EXPECT_EQ(f.picked(kStart), (std::set<std::string>{"10.0.0.2", "10.0.0.3"}));  // the suspect comes last
  EXPECT_EQ(f.balancer.failed(f.pick("10.0.0.1", kStart + 2s), Failure::refused, kStart + 2s), 1000ms);
  EXPECT_EQ(f.balancer.failed(f.pick("10.0.0.2", kStart), Failure::timed_out, kStart), 1000ms);

  EXPECT_EQ(f.picked(kStart + 100s), std::set<std::string>{"10.0.0.3"});
  EXPECT_EQ(f.balancer.ejected(), 2u);
}

TEST(Balancer, ASuccessBetweenMakesThemCountAnew) {
  Fixture f(3);
  const EndpointId id = f.pick("10.0.0.1", kStart);
  f.balancer.failed(id, Failure::refused, kStart);
  f.balancer.connected(f.pick("10.0.0.1", kStart + 2s), kStart + 2s);

  EXPECT_FALSE(f.balancer.failed(id, Failure::refused, kStart + 3s));
}

TEST(Balancer, NoMoreThanAShareIsEjectedAndWhatIsLeftGetsEverything) {
  for (const auto& [count, most] : std::map<int, std::size_t>{{1, 0}, {2, 1}, {3, 2}, {5, 4}, {10, 8}}) {
    Fixture f(count);
    std::vector<EndpointId> all;
    for (int i = 0; i < count; ++i) all.push_back(f.balancer.pick(kStart, f.random, all)->id);
    for (const EndpointId id : all) f.balancer.failed(id, Failure::timed_out, kStart);

    EXPECT_EQ(f.balancer.ejected(), most) << count;
    EXPECT_EQ(f.picked(kStart).size(), static_cast<std::size_t>(count) - most);
  }
  Fixture half(4, {.most_ejected = 0.5});
  std::vector<EndpointId> all;
  for (int i = 0; i < 4; ++i) all.push_back(half.balancer.pick(kStart, half.random, all)->id);
  for (const EndpointId id : all) half.balancer.failed(id, Failure::timed_out, kStart);
  EXPECT_EQ(half.balancer.ejected(), 2u);
}

TEST(Balancer, TheEjectedAreTheLastResort) {
  Fixture f(2);
  const EndpointId dead = f.pick("10.0.0.1", kStart);
  f.balancer.failed(dead, Failure::timed_out, kStart);
  const EndpointId other = f.balancer.pick(kStart, f.random)->id;

  const auto choice = f.balancer.pick(kStart, f.random, std::vector{other});

  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->id, dead);
  EXPECT_TRUE(f.balancer.connected(dead, kStart));
  EXPECT_EQ(f.balancer.ejected(), 0u);
}

TEST(Balancer, ProbesBringItBackAndFailedOnesAreFurtherApart) {
  Fixture f(2, {.longest_ejection = 5s});
  const EndpointId id = f.pick("10.0.0.1", kStart);
  f.balancer.failed(id, Failure::timed_out, kStart);
  EXPECT_EQ(f.balancer.next_probe(), kStart + 1s);
  EXPECT_TRUE(f.balancer.due_for_probe(kStart + 999ms).empty());

  Time now = kStart;
  for (const auto length : {1000ms, 2000ms, 4000ms, 5000ms, 5000ms}) {
    now += length;
    ASSERT_EQ(f.balancer.due_for_probe(now).size(), 1u);
    EXPECT_TRUE(f.balancer.due_for_probe(now).empty());
    EXPECT_FALSE(f.balancer.next_probe());
    EXPECT_FALSE(f.balancer.probed(id, false, now));
  }
  now += 5s;
  f.balancer.due_for_probe(now);

  EXPECT_TRUE(f.balancer.probed(id, true, now));
  EXPECT_EQ(f.picked(now).size(), 2u);
}

TEST(Balancer, OneThatWasSilentIsBackWhenItAnswersAndNotWhenItConnects) {
  Fixture f(2);
  const EndpointId id = f.pick("10.0.0.1", kStart);
  EXPECT_EQ(f.balancer.failed(id, Failure::silent, kStart), 4000ms);
  EXPECT_FALSE(f.balancer.connected(id, kStart));
  EXPECT_EQ(f.balancer.ejected(), 1u);

  EXPECT_TRUE(f.balancer.answered(id, kStart));
  EXPECT_EQ(f.balancer.ejected(), 0u);
  EXPECT_FALSE(f.balancer.answered(id, kStart));
}

TEST(Balancer, AfterAProbeOneThatWasSilentGetsOneConnectionAtATimeUntilItAnswers) {
  Fixture f(2);
  EndpointId id = f.pick("10.0.0.1", kStart);
  f.balancer.failed(id, Failure::silent, kStart);
  EXPECT_TRUE(f.balancer.probed(id, true, kStart + 4s));

  id = f.pick("10.0.0.1", kStart + 4s);
  f.balancer.connected(id, kStart + 4s);
  EXPECT_EQ(f.picked(kStart + 4s), std::set<std::string>{"10.0.0.2"});
  EXPECT_EQ(f.balancer.failed(id, Failure::silent, kStart + 9s), 4000ms) << "no shorter than the first time";
  EXPECT_TRUE(f.balancer.probed(id, true, kStart + 13s));

  id = f.pick("10.0.0.1", kStart + 13s);
  f.balancer.answered(id, kStart + 13s);
  f.balancer.closed(id);
  EXPECT_EQ(f.picked(kStart + 13s).size(), 2u);
}

TEST(Balancer, WhenAllAreSilentTheyStillGetConnections) {
  Fixture f(2);
  for (int i = 0; i < 10; ++i) {
    const auto choice = f.balancer.pick(kStart, f.random);
    ASSERT_TRUE(choice);
    f.balancer.failed(choice->id, Failure::silent, kStart);
  }
  EXPECT_EQ(f.balancer.ejected(), 1u);
}

TEST(Balancer, AnEndpointThatWasWellForLongIsForgiven) {
  Fixture f(2, {.longest_ejection = 8s, .forgives_after = 10s});
  const EndpointId id = f.pick("10.0.0.1", kStart);
  f.balancer.failed(id, Failure::timed_out, kStart);
  f.balancer.probed(id, false, kStart + 1s);  // 2 s
  f.balancer.probed(id, true, kStart + 3s);

  EXPECT_EQ(f.balancer.failed(f.pick("10.0.0.1", kStart + 4s), Failure::timed_out, kStart + 4s), 4000ms);
  f.balancer.probed(id, true, kStart + 8s);
  EXPECT_EQ(f.balancer.failed(f.pick("10.0.0.1", kStart + 100s), Failure::timed_out, kStart + 100s), 1000ms);
}

TEST(Balancer, EndpointsThatStayKeepTheirHealthAndLoad) {
  Fixture f(3);
  const EndpointId dead = f.pick("10.0.0.2", kStart);
  f.balancer.failed(dead, Failure::timed_out, kStart);
  const EndpointId gone = f.pick("10.0.0.1", kStart);
  const EndpointId held = f.pick("10.0.0.3", kStart);
  std::vector<Address> next = addresses(4);
  next.erase(next.begin());

  f.balancer.set_endpoints(next);

  const auto status = f.balancer.status();
  ASSERT_EQ(status.size(), 3u);
  EXPECT_TRUE(status[0].ejected);
  EXPECT_EQ(status[1].active, 1u);
  f.balancer.closed(gone);
  f.balancer.failed(gone, Failure::timed_out, kStart);
  f.balancer.closed(held);
  f.balancer.closed(held);
  EXPECT_EQ(f.balancer.status()[1].active, 0u);
  EXPECT_EQ(f.balancer.ejected(), 1u);

  f.balancer.set_endpoints(addresses(4));
  EXPECT_NE(f.pick("10.0.0.1", kStart), gone);
}

}  // namespace
}  // namespace proconsul::wanfed::gateway
