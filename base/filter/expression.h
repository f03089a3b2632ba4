// The syntax of filter expressions: text in, tree out. What a tree means for a type is decided in filter.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace proconsul::base::filter {

enum class Operator : std::uint8_t { equal, not_equal, in, not_in, is_empty, is_not_empty, matches, not_matches };
/// As error texts name it: "Not Equal".
std::string_view to_string(Operator op);

struct Match {
  std::vector<std::string> selector{};
  Operator op{};
  std::optional<std::string> value{};  // none for the two emptiness operators
};

struct Expression {
  enum class Kind : std::uint8_t { match, negation, all, any };
  Kind kind{};
  Match match{};                                           // kind match
  std::vector<std::shared_ptr<const Expression>> parts{};  // one for negation, two or more for all (and) and any (or)
};

/// Parentheses that may be open at once. A peer of ours needs eightfold time per level, so nobody has more.
constexpr int kMaxNesting = 64;

/// Fails with the position, the grammar's rule and what was expected there, as Consul's own parser words it:
/// `1:4 (3): no match found, expected: "!=", ".", "==", "[", [ \t\r\n] or [a-zA-Z0-9_]`.
Result<std::shared_ptr<const Expression>> parse(std::string_view text);

}  // namespace proconsul::base::filter
