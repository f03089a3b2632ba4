#include "agent/server/deadlines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/server/tombstone_clock.h"

namespace proconsul::agent::server {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Deadlines::Instant kStart{100h};

TEST(Deadlines, ExpireInOrderOfTimeAndOnlyOnce) {
  Deadlines deadlines;
  deadlines.set("late", kStart + 3s);
  deadlines.set("early", kStart + 1s);
  deadlines.set("middle", kStart + 2s);

  EXPECT_THAT(deadlines.take_expired(kStart + 2s), ElementsAre("early", "middle"));
  EXPECT_THAT(deadlines.take_expired(kStart + 2s), IsEmpty());
  EXPECT_EQ(deadlines.earliest(), kStart + 3s);
}

TEST(Deadlines, ARenewedKeyForgetsItsOldDeadline) {
  Deadlines deadlines;
  deadlines.set("session", kStart + 1s);

  deadlines.set("session", kStart + 10s);

  EXPECT_EQ(deadlines.size(), 1u);
  EXPECT_THAT(deadlines.take_expired(kStart + 9s), IsEmpty());
  EXPECT_EQ(deadlines.find("session"), kStart + 10s);
}

TEST(TombstoneClock, DeletionsOfOneSliceAreReapedTogetherAfterTheirLifetime) {
  TombstoneClock clock;
  clock.hint(5, kStart);
  clock.hint(9, kStart + 1s);
  clock.hint(12, kStart + TombstoneClock::kSlice);

  EXPECT_EQ(clock.take_expired(kStart + TombstoneClock::kLifetime), 0u);
  EXPECT_EQ(clock.take_expired(kStart + TombstoneClock::kLifetime + TombstoneClock::kSlice), 9u);
  EXPECT_EQ(clock.take_expired(kStart + TombstoneClock::kLifetime + 2 * TombstoneClock::kSlice), 12u);
  EXPECT_EQ(clock.earliest(), std::nullopt);
}

}  // namespace
}  // namespace proconsul::agent::server
