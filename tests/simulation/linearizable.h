// Checks that a history of operations on independent registers could have happened one at a time (Wing and Gong's
// search with Lowe's memory of visited states; one register at a time).
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace proconsul::simulation {

struct Operation {
  enum class Kind : std::uint8_t { get, put, append, compare_and_set, compare_and_delete };
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  Kind kind{};
  std::uint32_t key{};
  std::uint64_t value{};     // put, append, compare_and_set: what to store
  std::uint64_t expected{};  // compare_and_set, compare_and_delete
  std::uint64_t result{};    // get: value read; append: value afterwards; compare_and_set: 1 if it stored;
                             // compare_and_delete: 1 if the register is 0 afterwards
  std::int64_t called{};
  std::int64_t returned = kNever;  // kNever: outcome unknown, it may still happen or never
};

/// The register after the operation; `result` gets what a caller would see.
std::uint64_t step(std::uint64_t state, const Operation& operation, std::uint64_t& result);

struct Verdict {
  bool linearizable = true;
  std::uint32_t key{};  // where it is not
  std::string explanation{};
  std::uint64_t visited{};  // states of the search, over all keys
};

/// Registers start at 0. Unknown reads say nothing and may be left out.
Verdict check(const std::vector<Operation>& history);

}  // namespace proconsul::simulation
