#include "agent/http/remembered_reads.h"

#include <gtest/gtest.h>

namespace proconsul::agent::http {
namespace {

using namespace std::chrono_literals;
constexpr RememberedReads::Clock::time_point kStart{100h};

TEST(RememberedReads, AgesFromTheFetchUntilItIsFetchedAgain) {
  RememberedReads reads;

  EXPECT_FALSE(reads.find("a", {}, kStart));
  reads.remember("a", kStart);
  EXPECT_EQ(reads.find("a", {}, kStart + 5s), 5s);
  EXPECT_FALSE(reads.find("b", {}, kStart));
  reads.remember("a", kStart + 5s);
  EXPECT_EQ(reads.find("a", {}, kStart + 6s), 1s);
}

TEST(RememberedReads, MaxAgeAndRevalidationAskForAFetch) {
  RememberedReads reads;
  reads.remember("a", kStart);

  EXPECT_TRUE(reads.find("a", {.max_age = base::seconds(3)}, kStart + 3s));
  EXPECT_FALSE(reads.find("a", {.max_age = base::seconds(3)}, kStart + 4s));
  EXPECT_TRUE(reads.find("a", {.max_age = base::seconds(0)}, kStart + 4s));
  EXPECT_FALSE(reads.find("a", {.revalidate = true}, kStart));
}

TEST(RememberedReads, ForgetsWhatNobodyAsksFor) {
  RememberedReads reads;
  reads.remember("a", kStart);

  EXPECT_TRUE(reads.find("a", {.idle = 20min}, kStart + 19min));
  EXPECT_TRUE(reads.find("a", {.idle = 20min}, kStart + 38min));
  EXPECT_FALSE(reads.find("a", {.idle = 20min}, kStart + 59min));
}

TEST(RememberedReads, IsBounded) {
  RememberedReads reads;
  for (int i = 0; i < 100'000; ++i) reads.remember(std::to_string(i) + std::string(100, 'x'), kStart);

  EXPECT_FALSE(reads.find("0" + std::string(100, 'x'), {}, kStart));
  EXPECT_TRUE(reads.find("99999" + std::string(100, 'x'), {}, kStart));
}

}  // namespace
}  // namespace proconsul::agent::http
