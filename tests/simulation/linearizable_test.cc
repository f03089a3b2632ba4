#include "tests/simulation/linearizable.h"

#include <gtest/gtest.h>

namespace proconsul::simulation {
namespace {

using Kind = Operation::Kind;

Operation put(std::uint64_t value, std::int64_t called, std::int64_t returned) {
  return {.kind = Kind::put, .value = value, .called = called, .returned = returned};
}
Operation get(std::uint64_t result, std::int64_t called, std::int64_t returned) {
  return {.kind = Kind::get, .result = result, .called = called, .returned = returned};
}

TEST(Linearizable, OverlappingOperationsMayHaveHappenedInEitherOrder) {
  EXPECT_TRUE(check({put(1, 0, 10), get(1, 5, 8)}).linearizable);
  EXPECT_TRUE(check({put(1, 0, 10), get(0, 5, 8)}).linearizable);
}

TEST(Linearizable, ReadAfterAnAcknowledgedWriteMustSeeIt) {
  EXPECT_FALSE(check({put(1, 0, 10), get(0, 11, 12)}).linearizable);
}

TEST(Linearizable, TwoReadsMayNotSeeTimeRunBackwards) {
  EXPECT_FALSE(check({put(1, 0, 100), get(1, 10, 20), get(0, 30, 40)}).linearizable);
}

TEST(Linearizable, UnknownWriteMayHappenLateOrNever) {
  const Operation unknown = put(7, 0, Operation::kNever);

  EXPECT_TRUE(check({unknown, get(0, 10, 20), get(7, 30, 40)}).linearizable);
  EXPECT_TRUE(check({unknown, get(0, 10, 20), get(0, 30, 40)}).linearizable);
  EXPECT_FALSE(check({unknown, get(7, 10, 20), get(0, 30, 40)}).linearizable);
}

TEST(Linearizable, AppliedTwiceIsSeenInTheResultOfAnAppend) {
  Operation append{.kind = Kind::append, .value = 3, .called = 0, .returned = 10};
  std::uint64_t once = 0;
  const std::uint64_t state = step(0, append, once);
  std::uint64_t twice = 0;
  (void)step(state, append, twice);

  append.result = once;
  EXPECT_TRUE(check({append, get(once, 20, 30)}).linearizable);
  EXPECT_FALSE(check({append, get(twice, 20, 30)}).linearizable);
}

TEST(Linearizable, DeletingWhatIsGoneSucceedsWhateverWasExpected) {
  const auto erase = [](std::uint64_t expected, std::uint64_t result, std::int64_t called) {
    return Operation{.kind = Kind::compare_and_delete,
                     .expected = expected,
                     .result = result,
                     .called = called,
                     .returned = called + 5};
  };

  EXPECT_TRUE(check({put(1, 0, 10), erase(1, 1, 20), erase(1, 1, 30), erase(7, 1, 40)}).linearizable);
  EXPECT_TRUE(check({put(1, 0, 10), erase(7, 0, 20), get(1, 30, 40)}).linearizable);
  EXPECT_FALSE(check({put(1, 0, 10), erase(7, 1, 20)}).linearizable);
}

TEST(Linearizable, CompareAndSetMayNotSucceedTwiceFromOneValue) {
  const Operation first{
      .kind = Kind::compare_and_set, .value = 5, .expected = 0, .result = 1, .called = 0, .returned = 9};
  const Operation second{
      .kind = Kind::compare_and_set, .value = 6, .expected = 0, .result = 1, .called = 1, .returned = 9};

  EXPECT_FALSE(check({first, second}).linearizable);
}

TEST(Linearizable, KeysAreIndependent) {
  Operation other = get(0, 11, 12);
  other.key = 1;

  EXPECT_TRUE(check({put(1, 0, 10), other}).linearizable);
}

}  // namespace
}  // namespace proconsul::simulation
