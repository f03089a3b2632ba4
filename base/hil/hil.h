// HIL: texts with ${interpolations}: variables, function calls, arithmetic, comparisons, conditions, nested quotes.
//
//   Result<hil::Text> text = hil::Text::parse("${name.prefix}-${match(1)}");
//   Result<std::string> rendered = text->evaluate(scope);
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace proconsul::base::hil {

/// In the order of the alternatives of Value.
enum class Type : std::uint8_t { boolean, string, integer, floating };
using Value = std::variant<bool, std::string, std::int64_t, double>;

struct Function {
  std::string_view name{};
  std::vector<Type> arguments{};  // what is passed has been converted to these
  Type result{};
  std::function<Value(std::span<const Value>)> call{};
};

/// What a text may refer to. Every variable is a string.
struct Scope {
  std::vector<std::pair<std::string_view, std::string_view>> variables{};
  std::vector<Function> functions{};
};

/// Both count from 1; columns are characters, not bytes.
struct Position {
  std::uint32_t column = 1;
  std::uint32_t line = 1;
};

enum class Operator : std::uint8_t {
  add,
  subtract,
  multiply,
  divide,
  modulo,
  logical_and,
  logical_or,
  equal,
  not_equal,
  less,
  less_or_equal,
  greater,
  greater_or_equal,
};

/// One step of a program in postfix order: its operands are the results of the steps before it.
struct Step {
  enum class Kind : std::uint8_t { literal, variable, index, call, output, conditional, arithmetic };
  Kind kind{};
  Operator op{};
  std::uint32_t operands{};
  Position position{};
  std::string name{};  // of a variable or function
  Value value{};       // of a literal
};

/// Immutable; copies and evaluations from several threads are safe.
class Text {
 public:
  /// Errors: "parse error at 1:6: expected \"}\" but found end of string".
  static Result<Text> parse(std::string_view source);
  /// Errors name unknown variables and functions, types that do not fit and values that cannot be converted.
  Result<std::string> evaluate(const Scope& scope) const;

 private:
  std::vector<Step> steps_{};
};

/// Steps of one text, open brackets in it, and bytes that one evaluation may produce on the way: more is an error.
inline constexpr std::size_t kMaxSteps = 1 << 16;
inline constexpr unsigned kMaxNesting = 256;
inline constexpr std::size_t kMaxEvaluatedBytes = std::size_t{16} << 20;

}  // namespace proconsul::base::hil
