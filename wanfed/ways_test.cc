#include "wanfed/ways.h"

#include <gtest/gtest.h>

namespace proconsul::wanfed {
namespace {

TEST(Ways, ADatacenterReturnsWhenItIsReachedAfterNoWayWorked) {
  base::ManualClock clock;
  base::SeededRandom random{1};
  Ways ways({.locator = {.datacenter = "dc2", .primary_datacenter = "dc1"}, .clock = &clock, .random = &random});
  ways.learn_states({}, {"10.0.0.7:443", "10.0.0.8:443"});
  const Way one{"dc1", "10.0.0.7:443"}, other{"dc1", "10.0.0.8:443"};
  EXPECT_EQ(ways.returns("dc1"), 0U);

  ways.reached(one, true);
  EXPECT_EQ(ways.returns("dc1"), 1U);
  ways.reached(other, true);
  ways.reached(one, false);
  ways.reached(one, true);
  EXPECT_EQ(ways.returns("dc1"), 1U) << "the other one has worked";
  ways.reached(one, false);
  ways.reached(other, false);
  ways.reached(other, true);

  EXPECT_EQ(ways.returns("dc1"), 2U);
  EXPECT_EQ(ways.returns("dc3"), 0U);
}

}  // namespace
}  // namespace proconsul::wanfed
