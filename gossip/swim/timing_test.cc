#include "gossip/swim/timing.h"

#include <gtest/gtest.h>

#include "gossip/vectors.h"

namespace proconsul::gossip::swim {
namespace {

/// Rows of numbers that Go's own functions gave.
std::vector<std::vector<std::int64_t>> rows(const char* name) {
  std::vector<std::vector<std::int64_t>> found;
  for (const base::Value& row : *vector_of("gossip_formulas.json", name).find("decoded")->as_list()) {
    std::vector<std::int64_t>& numbers = found.emplace_back();
    for (const base::Value& number : *row.as_list()) numbers.push_back(integer_of(number));
  }
  return found;
}

TEST(Timing, RetransmitLimit) {
  for (const auto& row : rows("retransmit_limit")) {
    EXPECT_EQ(retransmit_limit(static_cast<int>(row[0]), static_cast<std::size_t>(row[1])), row[2]);
  }
}

TEST(Timing, SuspicionTimeout) {
  for (const auto& row : rows("suspicion_timeout")) {
    EXPECT_EQ(suspicion_timeout(static_cast<int>(row[0]), static_cast<std::size_t>(row[1]), base::milliseconds(row[2]))
                  .nanoseconds,
              row[3]);
  }
}

TEST(Timing, RemainingSuspicion) {
  for (const auto& row : rows("remaining_suspicion")) {
    EXPECT_EQ(remaining_suspicion(static_cast<int>(row[0]), static_cast<int>(row[1]), base::milliseconds(row[2]),
                                  base::milliseconds(row[3]))
                  .nanoseconds,
              base::milliseconds(row[4]).nanoseconds);
  }
}

TEST(Timing, PushPullScale) {
  for (const auto& row : rows("push_pull_scale_30s")) {
    EXPECT_EQ(push_pull_scale(base::seconds(30), static_cast<std::size_t>(row[0])).nanoseconds,
              base::milliseconds(row[1]).nanoseconds);
  }
}

}  // namespace
}  // namespace proconsul::gossip::swim
