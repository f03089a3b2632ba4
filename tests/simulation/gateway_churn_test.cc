// A few seeds of a virtual day; gateway_simulation runs as many as wanted.
#include "tests/simulation/gateway_churn.h"

#include <gtest/gtest.h>

#include <string>

namespace proconsul::simulation {
namespace {

class GatewayChurn : public testing::TestWithParam<std::uint64_t> {};

TEST_P(GatewayChurn, NoDatacenterIsStuckInADayOfGatewaysThatComeGoAndMove) {
  SCOPED_TRACE("replay with PROCONSUL_SEED=" + std::to_string(GetParam()));

  const ChurnResult result = run_gateway_churn(GetParam(), base::seconds(24 * 3600));

  ASSERT_TRUE(result.violations.empty()) << result.violations.front();
  EXPECT_GT(result.counts.all_moved, 0U);
  EXPECT_GT(result.counts.cold, 0U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, GatewayChurn, testing::Range<std::uint64_t>(1, 4));

TEST(GatewayChurnSeed, EndsInTheSameDigestTwice) {
  EXPECT_EQ(run_gateway_churn(7, base::seconds(3600)).digest, run_gateway_churn(7, base::seconds(3600)).digest);
}

}  // namespace
}  // namespace proconsul::simulation
