#include "tests/simulation/linearizable.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/simulation/random.h"

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

TEST(Linearizable, AWriteThatChangesNothingHereMayExplainALaterRead) {
  EXPECT_TRUE(check({get(0, 0, 50), put(7, 10, 30), put(0, 20, 60), get(0, 40, 70)}).linearizable);
}

// All orders that time allows, one after the other.
bool has_an_order(std::vector<Operation>& rest, std::uint64_t state) {
  std::int64_t first_return = Operation::kNever;
  for (const Operation& each : rest) first_return = std::min(first_return, each.returned);
  if (first_return == Operation::kNever) return true;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const Operation next = rest[i];
    std::uint64_t result = 0;
    const std::uint64_t after = step(state, next, result);
    if (next.called > first_return || (next.returned != Operation::kNever && result != next.result)) continue;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
    const bool found = has_an_order(rest, after);
    rest.insert(rest.begin() + static_cast<std::ptrdiff_t>(i), next);
    if (found) return true;
  }
  return false;
}

TEST(Linearizable, SaysWhatTryingAllOrdersSays) {
  Random random(1);
  int without = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::vector<Operation> history(static_cast<std::size_t>(random.between(2, 7)));
    for (Operation& each : history) {
      static constexpr Kind kKinds[] = {Kind::get, Kind::get, Kind::put, Kind::compare_and_set,
                                        Kind::compare_and_delete};
      each.kind = random.pick(kKinds);
      each.value = random.below(3);
      each.expected = random.below(3);
      each.called = random.between(0, 20);
      if (!random.chance(0.15)) each.returned = each.called + random.between(1, 10);
      each.result = each.kind == Kind::put ? 0 : random.below(each.kind == Kind::get ? 3 : 2);
    }
    const bool has = has_an_order(history, 0);
    without += has ? 0 : 1;
    ASSERT_EQ(check(history).linearizable, has) << "round " << round;
  }
  EXPECT_GT(without, 5000);
  EXPECT_LT(without, 18'000);
}

TEST(Linearizable, KeysAreIndependent) {
  Operation other = get(0, 11, 12);
  other.key = 1;

  EXPECT_TRUE(check({put(1, 0, 10), other}).linearizable);
}

}  // namespace
}  // namespace proconsul::simulation
