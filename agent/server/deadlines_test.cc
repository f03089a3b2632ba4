#include "agent/server/deadlines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/server/tombstone_clock.h"

namespace proconsul::agent::server {
namespace {

using base::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Deadlines::Instant kStart{360'000'000'000'000};

TEST(Deadlines, ExpireInOrderOfTimeAndOnlyOnce) {
  Deadlines deadlines;
  deadlines.set("late", kStart + seconds(3));
  deadlines.set("early", kStart + seconds(1));
  deadlines.set("middle", kStart + seconds(2));

  EXPECT_THAT(deadlines.take_expired(kStart + seconds(2)), ElementsAre("early", "middle"));
  EXPECT_THAT(deadlines.take_expired(kStart + seconds(2)), IsEmpty());
  EXPECT_EQ(deadlines.earliest(), kStart + seconds(3));
}

TEST(Deadlines, ARenewedKeyForgetsItsOldDeadline) {
  Deadlines deadlines;
  deadlines.set("session", kStart + seconds(1));

  deadlines.set("session", kStart + seconds(10));

  EXPECT_EQ(deadlines.size(), 1u);
  EXPECT_THAT(deadlines.take_expired(kStart + seconds(9)), IsEmpty());
  EXPECT_EQ(deadlines.find("session"), kStart + seconds(10));
}

TEST(TombstoneClock, DeletionsOfOneSliceAreReapedTogetherAfterTheirLifetime) {
  TombstoneClock clock;
  clock.hint(5, kStart);
  clock.hint(9, kStart + seconds(1));
  clock.hint(12, kStart + TombstoneClock::kSlice);

  EXPECT_EQ(clock.take_expired(kStart + TombstoneClock::kLifetime), 0u);
  EXPECT_EQ(clock.take_expired(kStart + TombstoneClock::kLifetime + TombstoneClock::kSlice), 9u);
  EXPECT_EQ(clock.take_expired(kStart + TombstoneClock::kLifetime + TombstoneClock::kSlice + TombstoneClock::kSlice),
            12u);
  EXPECT_EQ(clock.earliest(), std::nullopt);
}

}  // namespace
}  // namespace proconsul::agent::server
