#include "wanfed/locator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace proconsul::wanfed {
namespace {

using base::Duration;
using base::milliseconds;
using base::MonotonicTime;
using base::seconds;

constexpr MonotonicTime kStart{1'000'000'000};

std::string gateway(const std::optional<Way>& way) {
  return way ? way->gateway : "none";
}

/// A server of dc2; dc1 is the primary.
struct Fixture : testing::Test {
  base::SeededRandom random{7};
  Locator locator{{.datacenter = "dc2", .primary_datacenter = "dc1"}, random};
  MonotonicTime now = kStart;

  void reached(const std::string& datacenter, const std::string& gateway, bool answered) {
    locator.reached({datacenter, gateway}, answered, now);
  }
};
using LocatorTest = Fixture;

TEST_F(LocatorTest, FirstContactIsThroughTheConfiguredGatewaysOfThePrimaryAsSoonAsOneIsKnown) {
  EXPECT_EQ(gateway(locator.pick("dc1")), "none");

  locator.learn({.primary = {"1.1.1.1:443"}});

  EXPECT_EQ(gateway(locator.pick("dc1")), "1.1.1.1:443");
  EXPECT_EQ(gateway(locator.pick("dc3")), "none") << "only the local gateways lead to another secondary";
}

TEST_F(LocatorTest, TheLocalGatewayOfTheCatalogCountsBeforeTheFederationStateHasIt) {
  locator.learn({.states = {{"dc2", {.lan = {"10.0.0.9:443"}}}}, .local = {"10.0.0.8:443"}});

  std::set<std::string> picked;
  for (int i = 0; i < 50; ++i) picked.insert(gateway(locator.pick("dc3")));

  EXPECT_THAT(picked, testing::ElementsAre("10.0.0.8:443", "10.0.0.9:443"));
}

TEST_F(LocatorTest, InThePrimaryOnlyLocalGatewaysAreDialed) {
  Locator primary{{.datacenter = "dc1", .primary_datacenter = "dc1"}, random};
  primary.learn({.states = {{"dc1", {.lan = {"10.0.0.1:443"}, .wan = {"1.1.1.1:443"}}},
                            {"dc2", {.lan = {"10.0.0.1:443"}, .wan = {"2.2.2.2:443"}}}}});

  EXPECT_EQ(gateway(primary.pick("dc2")), "10.0.0.1:443");
}

TEST_F(LocatorTest, ALocalGatewayIsUsedOnceAProbeWentThroughAndNotBeforeWhileAnotherWayWorks) {
  locator.learn({.primary = {"1.1.1.1:443"}});
  reached("dc1", "1.1.1.1:443", true);
  locator.learn({.local = {"10.0.0.8:443"}, .primary = {"1.1.1.1:443"}});

  EXPECT_EQ(gateway(locator.pick("dc1")), "1.1.1.1:443");
  EXPECT_FALSE(locator.outdated("dc1", "1.1.1.1:443"));
  EXPECT_THAT(locator.due(now), testing::ElementsAre(Way{"dc1", "10.0.0.8:443"}));
  EXPECT_TRUE(locator.due(now + seconds(1)).empty()) << "it is under way";
  reached("dc1", "10.0.0.8:443", true);

  EXPECT_EQ(gateway(locator.pick("dc1")), "10.0.0.8:443");
  EXPECT_TRUE(locator.outdated("dc1", "1.1.1.1:443"));
  EXPECT_FALSE(locator.outdated("dc1", "10.0.0.8:443"));
}

TEST_F(LocatorTest, AWayThatFailedIsLeftAtOnceAndTakenAgainAfterAProbe) {
  locator.learn({.local = {"10.0.0.7:443", "10.0.0.8:443"}, .primary = {"1.1.1.1:443"}});
  for (const char* each : {"10.0.0.7:443", "10.0.0.8:443", "1.1.1.1:443"}) reached("dc1", each, true);

  reached("dc1", "10.0.0.7:443", false);
  EXPECT_EQ(gateway(locator.pick("dc1")), "10.0.0.8:443");
  reached("dc1", "10.0.0.8:443", false);
  EXPECT_EQ(gateway(locator.pick("dc1")), "1.1.1.1:443");
  EXPECT_TRUE(locator.due(now).empty());
  now = now + seconds(1);
  EXPECT_EQ(locator.due(now).size(), 2U);
  reached("dc1", "10.0.0.8:443", true);

  EXPECT_EQ(gateway(locator.pick("dc1")), "10.0.0.8:443");
}

TEST_F(LocatorTest, AFailureOnTheWayToOneDatacenterSaysNothingOfAnother) {
  locator.learn({.local = {"10.0.0.7:443", "10.0.0.8:443"}});
  reached("dc1", "10.0.0.8:443", true);
  reached("dc3", "10.0.0.8:443", false);
  reached("dc3", "10.0.0.7:443", true);

  EXPECT_EQ(gateway(locator.pick("dc1")), "10.0.0.8:443");
  EXPECT_EQ(gateway(locator.pick("dc3")), "10.0.0.7:443");
}

TEST_F(LocatorTest, WhenEveryWayFailedTheOneThatFailedTheLongestAgoIsTriedNext) {
  locator.learn({.local = {"10.0.0.7:443"}, .primary = {"1.1.1.1:443"}});
  reached("dc1", "1.1.1.1:443", false);
  now = now + milliseconds(10);
  reached("dc1", "10.0.0.7:443", false);

  EXPECT_EQ(gateway(locator.pick("dc1")), "1.1.1.1:443");
}

TEST_F(LocatorTest, WhatWasKnownBeforeARestartCountsWhereNothingNewerIsKnown) {
  locator.remember({.states = {{"dc1", {.wan = {"1.1.1.9:443"}}}}, .local = {"10.0.0.8:443"}});
  std::set<std::string> picked;
  for (int i = 0; i < 50; ++i) picked.insert(gateway(locator.pick("dc1")));
  EXPECT_THAT(picked, testing::ElementsAre("1.1.1.9:443", "10.0.0.8:443"));

  locator.learn({.local = {"10.0.0.9:443"}});

  EXPECT_EQ(gateway(locator.pick("dc1")), "10.0.0.9:443");
  EXPECT_EQ(locator.memory().states.at("dc1").wan, Addresses{"1.1.1.9:443"});
  EXPECT_EQ(locator.memory().local, Addresses{"10.0.0.9:443"});
}

TEST_F(LocatorTest, ARemovedGatewayIsForgottenAndAConnectionThroughItOutdated) {
  locator.learn({.local = {"10.0.0.7:443"}});
  reached("dc1", "10.0.0.7:443", true);
  locator.learn({.local = {"10.0.0.8:443"}});
  reached("dc1", "10.0.0.8:443", true);

  EXPECT_EQ(gateway(locator.pick("dc1")), "10.0.0.8:443");
  EXPECT_TRUE(locator.outdated("dc1", "10.0.0.7:443"));
}

TEST_F(LocatorTest, OtherGatewaysOfADatacenterAreWorthAProbeAtOnce) {
  locator.learn({.states = {{"dc3", {.wan = {"3.3.3.1:443"}}}}, .local = {"10.0.0.7:443"}});
  for (int i = 0; i < 5; ++i) reached("dc3", "10.0.0.7:443", false);
  reached("dc1", "10.0.0.7:443", false);
  EXPECT_FALSE(locator.has_way("dc3"));
  EXPECT_TRUE(locator.due(now).empty());

  locator.learn({.states = {{"dc3", {.wan = {"3.3.3.2:443"}}}}, .local = {"10.0.0.7:443"}});

  EXPECT_THAT(locator.due(now), testing::ElementsAre(Way{"dc3", "10.0.0.7:443"}));
  reached("dc3", "10.0.0.7:443", true);
  EXPECT_TRUE(locator.has_way("dc3"));
}

/// Gateways come, go and change their addresses; what a server of dc2 knows of them lags behind, and comes from the
/// primary only while that is reached.
class World {
 public:
  explicit World(std::uint64_t seed)
      : chance_(seed), random_(seed + 1), locator_({.datacenter = "dc2", .primary_datacenter = "dc1"}, random_) {
    move("dc1");
    move("dc2");
    move("dc3");
    learn();
  }

  void run_for(Duration time, bool events) {
    for (const MonotonicTime end = now_ + time; now_ < end; now_ = now_ + milliseconds(50)) {
      if (events && chance_.below(100) < 4) event();
      if (now_.nanoseconds / 1'000'000 % 250 == 0) {
        for (const Way& way : locator_.due(now_)) locator_.reached(way, works(way), now_);
      }
      if (now_.nanoseconds / 1'000'000 % 1000 == 0) learn();
      dial("dc1");
      dial("dc3");
    }
  }
  void heal() {
    for (const std::string datacenter : {"dc1", "dc2", "dc3"}) move(datacenter);
    reachable_ = {"dc1", "dc3"};
  }
  int failures = 0;
  std::set<std::string> used{};  // gateways that worked
  std::uint64_t digest = 0;
  bool is_local(const std::string& address) const { return live_.at("dc2").contains(address); }

 private:
  void event() {
    const std::string all[] = {"dc1", "dc2", "dc3"};
    const std::string& datacenter = all[chance_.below(3)];
    switch (chance_.below(5)) {
      case 0:
        return move(datacenter);  // all gateways at once
      case 1:
        live_[datacenter].clear();
        return;
      case 2:
        if (!live_[datacenter].empty()) live_[datacenter].erase(live_[datacenter].begin());
        return;
      case 3:
        if (datacenter != "dc2") reachable_.erase(datacenter);
        return;
      default:
        if (datacenter != "dc2") reachable_.insert(datacenter);
    }
  }
  void move(const std::string& datacenter) {
    live_[datacenter] = {address(), address()};
    reachable_.insert(datacenter);
  }
  std::string address() {
    ++number_;
    return "10.0." + std::to_string(number_ / 250) + "." + std::to_string(number_ % 250) + ":1";
  }
  bool works(const Way& way) const {
    if (!reachable_.contains(way.datacenter) || live_.at(way.datacenter).empty()) return false;
    return live_.at("dc2").contains(way.gateway) || (way.datacenter == "dc1" && live_.at("dc1").contains(way.gateway));
  }
  /// The catalog and the name server know at once, federation states come through the primary.
  void learn() {
    known_.local.assign(live_["dc2"].begin(), live_["dc2"].end());
    if (!live_["dc1"].empty()) known_.primary.assign(live_["dc1"].begin(), live_["dc1"].end());
    if (heard_) {
      for (const auto& [datacenter, gateways] : live_) {
        known_.states[datacenter].wan.assign(gateways.begin(), gateways.end());
        known_.states[datacenter].lan = known_.states[datacenter].wan;
      }
    }
    locator_.learn(known_);
  }
  void dial(const std::string& datacenter) {
    const auto way = locator_.pick(datacenter);
    const bool answered = way && works(*way);
    if (datacenter == "dc1") heard_ = answered;
    for (const char c : gateway(way)) digest = digest * 31 + static_cast<unsigned char>(c);
    if (way) locator_.reached(*way, answered, now_);
    if (!answered) {
      ++failures;
    } else {
      used.insert(way->gateway);
    }
  }

  base::SeededRandom chance_;
  base::SeededRandom random_;
  Locator locator_;
  MonotonicTime now_ = kStart;
  std::map<std::string, std::set<std::string>> live_{{"dc1", {}}, {"dc2", {}}, {"dc3", {}}};
  std::set<std::string> reachable_{"dc1", "dc3"};
  Knowledge known_{};
  bool heard_ = false;
  int number_ = 0;
};

class LocatorSimulation : public testing::TestWithParam<std::uint64_t> {};

TEST_P(LocatorSimulation, NoDatacenterStaysLostAfterHealingAndTrafficIsBackOnLocalGatewaysWithinSeconds) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  World world(GetParam());
  for (int round = 0; round < 5; ++round) {
    world.run_for(seconds(60), true);

    world.heal();
    world.run_for(seconds(8), false);
    world.failures = 0;
    world.used.clear();
    world.run_for(seconds(30), false);

    ASSERT_EQ(world.failures, 0) << "round " << round;
    for (const std::string& address : world.used) ASSERT_TRUE(world.is_local(address)) << address;
  }
}

TEST_P(LocatorSimulation, TheSameSeedTakesTheSameWays) {
  World one(GetParam());
  World other(GetParam());

  one.run_for(seconds(60), true);
  other.run_for(seconds(60), true);

  EXPECT_EQ(one.digest, other.digest);
}

INSTANTIATE_TEST_SUITE_P(Seeds, LocatorSimulation, testing::Range<std::uint64_t>(1, 21));

}  // namespace
}  // namespace proconsul::wanfed
