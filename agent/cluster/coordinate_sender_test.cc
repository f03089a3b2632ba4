#include "agent/cluster/coordinate_sender.h"

#include <gtest/gtest.h>

namespace proconsul::agent::cluster {
namespace {

using base::seconds;

TEST(CoordinateSender, ManyAgentsSendLessOften) {
  EXPECT_EQ(scaled_interval(64, seconds(15), 1), seconds(15));
  EXPECT_EQ(scaled_interval(64, seconds(15), 960), seconds(15));
  EXPECT_EQ(scaled_interval(64, seconds(15), 6400), seconds(100));
}

TEST(CoordinateSender, WithoutARateTheLeastIntervalCounts) {
  EXPECT_EQ(scaled_interval(0, seconds(15), 100'000), seconds(15));
}

}  // namespace
}  // namespace proconsul::agent::cluster
