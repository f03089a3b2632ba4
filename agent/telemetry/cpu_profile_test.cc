#include "agent/telemetry/cpu_profile.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <ctime>
#include <vector>

namespace proconsul::agent {
namespace {

void burn(std::clock_t seconds_of_cpu_by_hundreds) {
  const std::clock_t end = std::clock() + seconds_of_cpu_by_hundreds * CLOCKS_PER_SEC / 100;
  while (std::clock() < end) {
  }
}

std::uintptr_t word(const std::string& profile, std::size_t index) {
  std::uintptr_t value = 0;
  std::memcpy(&value, profile.data() + index * sizeof value, sizeof value);
  return value;
}

TEST(CpuProfile, HasTheStacksThatRan) {
  auto profile = CpuProfile::start();
  ASSERT_TRUE(profile) << profile.error().detail;
  burn(20);

  const std::string taken = (*profile)->finish();

  ASSERT_GT(taken.size(), 8 * sizeof(std::uintptr_t));
  EXPECT_EQ(word(taken, 1), 3u);
  EXPECT_EQ(word(taken, 3), 10'000u);
  std::size_t at = 5, samples = 0, deepest = 0;
  while (word(taken, at) != 0) {
    ++samples;
    const std::size_t frames = word(taken, at + 1);
    ASSERT_GE(frames, 1u);
    ASSERT_LE(frames, 64u);
    deepest = std::max(deepest, frames);
    at += 2 + frames;
  }
  EXPECT_GE(samples, 1u);
  EXPECT_GE(deepest, 2u) << "stacks are walked";
  EXPECT_EQ(word(taken, at + 1), 1u);
  EXPECT_NE(taken.find("libc", at * sizeof(std::uintptr_t)), std::string::npos) << "the maps follow";
}

TEST(CpuProfile, IsTakenOneAtATime) {
  auto first = CpuProfile::start();
  ASSERT_TRUE(first);

  const auto second = CpuProfile::start();

  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().detail, "cpu profiling already in use");
  first->reset();
  EXPECT_TRUE(CpuProfile::start());
}

}  // namespace
}  // namespace proconsul::agent
