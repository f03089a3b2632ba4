// A bounded number of seeds of the raft simulation; raft_simulation runs as many as wanted.
#include <gtest/gtest.h>

#include "tests/simulation/run.h"

namespace proconsul::simulation {
namespace {

TEST(RaftSimulation, NothingIsLostForkedOrReadStaleAndTheClusterRecovers) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("replay with PROCONSUL_SEED=" + std::to_string(seed));

    const SeedResult result = run_seed(seed);

    ASSERT_TRUE(result.violations.empty()) << result.violations.front();
  }
}

// Without pre-votes, a server whose removal is not committed took, term for term, the vote that the other one needed.
TEST(RaftSimulation, CandidatesThatKeepInStepPart) {
  const SeedResult result = run_seed(717'900);
  EXPECT_TRUE(result.violations.empty()) << result.violations.front();
}

TEST(RaftSimulation, SameSeedEndsInTheSameDigest) {
  for (const std::uint64_t seed : {3, 77, 1234}) EXPECT_EQ(run_seed(seed).digest, run_seed(seed).digest);
}

TEST(RaftSimulation, ACrowdOfClientsSeesOneHistoryToo) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE("replay with PROCONSUL_SEED=" + std::to_string(seed) + " and --clients 200");

    const SeedResult result = run_seed(seed, false, 200);

    EXPECT_TRUE(result.violations.empty()) << result.violations.front();
    EXPECT_GT(result.counts.operations, 3000u);
  }
}

TEST(RaftSimulation, EveryKindOfFaultIsInjected) {
  Counts counts;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) counts.add(run_seed(seed).counts);

  for (const std::uint64_t kind :
       {counts.lost,     counts.duplicated, counts.late,      counts.partitions, counts.one_way,
        counts.crashes,  counts.gone,       counts.torn,      counts.corrupted,  counts.stalled,
        counts.full,     counts.pauses,     counts.changes,   counts.transfers,  counts.snapshots,
        counts.installs, counts.restores,   counts.elections, counts.unknown,    counts.skewed}) {
    EXPECT_GT(kind, 0u);
  }
}

class PlantedMistake : public testing::TestWithParam<std::string_view> {};

TEST_P(PlantedMistake, IsFound) {
  std::string violation;

  const auto seed = find_planted(GetParam(), 1, 2000, violation);

  EXPECT_TRUE(seed.has_value());
  EXPECT_FALSE(violation.empty());
}

INSTANTIATE_TEST_SUITE_P(Raft, PlantedMistake, testing::ValuesIn(planted_names()),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace proconsul::simulation
