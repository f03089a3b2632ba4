#include "agent/server/flap_damping.h"

#include <gtest/gtest.h>

namespace proconsul::agent::server {
namespace {

class FlapDampingTest : public ::testing::Test {
 protected:
  FlapDampingTest() { damping_.set({.enabled = true, .max_changes = 4}); }
  /// Fails and comes back, `times` times. True: it became damped.
  bool flap(int times, int seconds = 5) {
    bool began = false;
    for (int i = 0; i < times; ++i) {
      began = damping_.changed("n1", false, now_) || began;
      pass(seconds);
      began = damping_.changed("n1", true, now_) || began;
      pass(seconds);
    }
    return began;
  }
  void pass(int seconds) { now_ = now_ + base::seconds(seconds); }

  FlapDamping damping_{};
  base::MonotonicTime now_{1'000'000'000'000};
};

TEST_F(FlapDampingTest, WhoFlapsIsHeldUntilItIsStable) {
  EXPECT_FALSE(flap(2));
  EXPECT_FALSE(damping_.damps("n1"));

  EXPECT_TRUE(flap(1));

  EXPECT_TRUE(damping_.damps("n1"));
  EXPECT_EQ(damping_.count(), 1u);
  pass(114);
  EXPECT_FALSE(damping_.end_stable(now_));
  ASSERT_TRUE(damping_.due());
  EXPECT_EQ(*damping_.due(), now_ + base::seconds(1));
  pass(1);
  EXPECT_TRUE(damping_.end_stable(now_));
  EXPECT_FALSE(damping_.damps("n1"));
}

TEST_F(FlapDampingTest, EveryFurtherChangeBeginsTheTimeAnew) {
  flap(3);
  pass(100);
  EXPECT_FALSE(flap(1));  // it is so already
  pass(100);
  EXPECT_FALSE(damping_.end_stable(now_));
  EXPECT_TRUE(damping_.damps("n1"));
}

TEST_F(FlapDampingTest, ChangesFarFromEachOtherAreNone) {
  EXPECT_FALSE(flap(20, 200));
  EXPECT_FALSE(damping_.damps("n1"));
}

TEST_F(FlapDampingTest, TheSameAgainIsNoChange) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(damping_.changed("n1", false, now_));
    EXPECT_FALSE(damping_.changed("n2", true, now_));
  }
  EXPECT_EQ(damping_.changes("n1"), 1u);
  EXPECT_EQ(damping_.changes("n2"), 0u);
}

TEST_F(FlapDampingTest, WhoIsQuietOrGoneIsForgotten) {
  flap(1);
  pass(601);
  damping_.end_stable(now_);
  EXPECT_EQ(damping_.changes("n1"), 0u);

  flap(3);
  damping_.forget("n1");
  EXPECT_FALSE(damping_.damps("n1"));
}

TEST_F(FlapDampingTest, SwitchedOffItLetsGo) {
  flap(3);
  damping_.set({});
  EXPECT_TRUE(damping_.end_stable(now_));
  EXPECT_FALSE(damping_.damps("n1"));
  EXPECT_FALSE(flap(10));
}

}  // namespace
}  // namespace proconsul::agent::server
