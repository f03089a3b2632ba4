// A bounded number of seeds of the gossip simulation; gossip_simulation runs as many as wanted.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/simulation/gossip_run.h"
#include "tests/simulation/lifeguard_run.h"

namespace proconsul::simulation {
namespace {

TEST(GossipSimulation, EverybodySeesEverybodyAfterTheChaos) {
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    SCOPED_TRACE("replay with PROCONSUL_SEED=" + std::to_string(seed));

    const GossipResult result = run_gossip_seed(seed);

    ASSERT_TRUE(result.violations.empty()) << result.violations.front();
  }
}

TEST(GossipSimulation, SameSeedEndsInTheSameDigest) {
  for (const std::uint64_t seed : {3, 77}) EXPECT_EQ(run_gossip_seed(seed).digest, run_gossip_seed(seed).digest);
}

// SWIM: the first suspicion comes e/(e - 1) intervals after a death on average, whatever the number of members, and
// another interval passes until the missing answer is noticed.
TEST(GossipSimulation, AKilledMemberIsDeadEverywhereWithinTheBound) {
  double suspicion = 0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(seed);
    const Detection detection = run_detection(32, seed);
    ASSERT_GE(detection.first_suspicion, 0);
    ASSERT_GE(detection.everywhere, 0);
    EXPECT_LE(detection.everywhere, detection.bound);
    suspicion += detection.first_suspicion / 8;
  }

  EXPECT_LE(suspicion, 4);
}

// Lifeguard's claim: members that are slow themselves accuse others a fiftieth as often as without it.
TEST(GossipSimulation, SlowMembersHarmOthersFarLessWithLifeguard) {
  const GossipCounts swim = run_slow_members(40, 4, false, 1);
  const GossipCounts lifeguard = run_slow_members(40, 4, true, 1);

  EXPECT_GE(swim.unjust_deaths, 50u);
  EXPECT_LE(lifeguard.unjust_deaths, swim.unjust_deaths / 50);
}

TEST(GossipSimulation, TheFiguresOfTheLifeguardPaper) {
  LifeguardOptions options{.members = 64, .kills = 3, .starved = 3, .starving = base::seconds(30)};
  const LifeguardFigures lifeguard = run_lifeguard(options);
  options.probe = options.suspicion = false;
  const LifeguardFigures swim = run_lifeguard(options);

  EXPECT_GE(swim.false_positives, 50u);
  EXPECT_GE(swim.false_positives, swim.false_positives_at_well);
  EXPECT_LE(lifeguard.false_positives, swim.false_positives / 50);
  for (const LifeguardFigures& one : {lifeguard, swim}) {
    EXPECT_EQ(one.unseen, 0u);
    EXPECT_GT(one.first.median, 7);  // the suspicion alone lasts 7.2 s
    EXPECT_LT(one.everywhere.most, 20);
    EXPECT_NEAR(one.quiet_packets, 2, 0.1);  // a ping and an ack each second
  }
}

TEST(GossipSimulation, ManyMembersComeTogetherAndAMessageReachesAll) {
  const Spread spread = run_spread(120, 1);

  EXPECT_GE(spread.joined, 0);
  EXPECT_LE(spread.joined, 20);
  EXPECT_GE(spread.message, 0);
  EXPECT_LE(spread.message, 5);
}

void come_together(GossipPool& pool, std::size_t members) {
  for (std::size_t i = 0; i < members; ++i) {
    pool.add();
    if (i > 0) pool.join(i, 0);
    pool.run(base::milliseconds(50));
  }
  pool.run_until([&] { return pool.converged(); }, base::seconds(60));
}

TEST(GossipSimulation, LostPacketsAloneKillNobody) {
  GossipOptions options;
  options.network.loss = 0.1;
  GossipPool pool(options);
  come_together(pool, 20);

  pool.run(base::seconds(300));

  EXPECT_EQ(pool.totals().deaths, 0u);
  EXPECT_TRUE(pool.converged());
}

TEST(GossipSimulation, WhoWasAwayForAMomentRefutes) {
  GossipPool pool(GossipOptions{});
  come_together(pool, 20);
  pool.pause(3, base::seconds(5));
  pool.run(base::seconds(5));
  EXPECT_GT(pool.suspect_at(3), 0u);

  pool.run(base::seconds(10));

  EXPECT_EQ(pool.totals().deaths, 0u);
  EXPECT_EQ(pool.suspect_at(3), 0u);
  EXPECT_GT(pool.totals().refutations, 0u);
}

TEST(GossipSimulation, AShortPartitionHealsByItself) {
  GossipPool pool(GossipOptions{});
  come_together(pool, 16);
  std::vector<int> groups(16, 0);
  std::fill(groups.begin() + 8, groups.end(), 1);
  pool.partition(groups);
  pool.run(base::seconds(4));

  pool.partition({});

  EXPECT_TRUE(pool.run_until([&] { return pool.converged(); }, base::seconds(30)));
}

TEST(GossipSimulation, ALongPartitionIsHealedByOneJoin) {
  GossipPool pool(GossipOptions{});
  come_together(pool, 16);
  std::vector<int> groups(16, 0);
  std::fill(groups.begin() + 8, groups.end(), 1);
  pool.partition(groups);
  pool.run(base::seconds(300));
  EXPECT_EQ(pool.core(0).alive_count(), 8u);
  EXPECT_EQ(pool.core(12).alive_count(), 8u);
  pool.partition({});

  pool.join(2, 9);

  EXPECT_TRUE(pool.run_until([&] { return pool.converged(); }, base::seconds(30)));
}

}  // namespace
}  // namespace proconsul::simulation
