#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "base/hil/hil.h"
#include "base/strconv.h"

namespace proconsul::base::hil {

namespace {

Error failed(std::string text) {
  return {Errc::invalid_argument, std::move(text)};
}

Type type_of(const Value& value) {
  return static_cast<Type>(value.index());
}

// "TypeInt", and "type int" in other messages.
std::string_view go_name(Type type) {
  static constexpr std::string_view kNames[] = {"TypeBool", "TypeString", "TypeInt", "TypeFloat"};
  return kNames[static_cast<std::size_t>(type)];
}
std::string_view printable(Type type) {
  static constexpr std::string_view kNames[] = {"type bool", "type string", "type int", "type float"};
  return kNames[static_cast<std::size_t>(type)];
}

bool is_order(Operator op) {
  return op == Operator::less || op == Operator::less_or_equal || op == Operator::greater ||
         op == Operator::greater_or_equal;
}
bool is_comparison(Operator op) {
  return op == Operator::equal || op == Operator::not_equal || is_order(op);
}
bool is_logical(Operator op) {
  return op == Operator::logical_and || op == Operator::logical_or;
}

// strconv.FormatFloat(number, 'g', -1, 64)
std::string format_float(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "+Inf" : "-Inf";
  std::array<char, 32> buffer{};
  auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::scientific).ptr;
  const std::string_view scientific(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  int exponent = 0;
  std::string_view digits = scientific.substr(scientific.find('e') + 1);
  if (digits.starts_with('+')) digits.remove_prefix(1);
  std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
  constexpr int kLeast = -4, kMost = 6;
  if (exponent < kLeast || exponent >= kMost) return std::string(scientific);
  std::array<char, 32> fixed{};
  end = std::to_chars(fixed.data(), fixed.data() + fixed.size(), number, std::chars_format::fixed).ptr;
  return std::string(fixed.data(), end);
}

std::int64_t truncated(double number) {
  constexpr double kLimit = 9223372036854775808.0;
  if (!(number >= -kLimit && number < kLimit)) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(number);
}

// An implicit conversion, by the name under which texts may call it, too.
struct Conversion {
  Type from;
  Type to;
  std::string_view name;
};
constexpr Conversion kConversions[] = {
    {Type::boolean, Type::string, "__builtin_BoolToString"},   {Type::floating, Type::integer, "__builtin_FloatToInt"},
    {Type::floating, Type::string, "__builtin_FloatToString"}, {Type::integer, Type::floating, "__builtin_IntToFloat"},
    {Type::integer, Type::string, "__builtin_IntToString"},    {Type::string, Type::integer, "__builtin_StringToInt"},
    {Type::string, Type::floating, "__builtin_StringToFloat"}, {Type::string, Type::boolean, "__builtin_StringToBool"},
};

const Conversion* find_conversion(Type from, Type to) {
  for (const Conversion& row : kConversions) {
    if (row.from == from && row.to == to) return &row;
  }
  return nullptr;
}
const Conversion* find_conversion(std::string_view name) {
  for (const Conversion& row : kConversions) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

template <class T>
Result<Value> converted(const Conversion& conversion, Result<T> result) {
  if (!result) return failed(std::string(conversion.name) + ": " + result.error().detail);
  return Value(std::move(*result));
}

Result<Value> convert(const Conversion& conversion, const Value& value) {
  switch (conversion.from) {
    case Type::boolean:
      return Value(std::string(std::get<bool>(value) ? "true" : "false"));
    case Type::integer: {
      const std::int64_t number = std::get<std::int64_t>(value);
      return conversion.to == Type::string ? Value(std::to_string(number)) : Value(static_cast<double>(number));
    }
    case Type::floating: {
      const double number = std::get<double>(value);
      return conversion.to == Type::string ? Value(format_float(number)) : Value(truncated(number));
    }
    case Type::string:
      break;
  }
  const std::string& text = std::get<std::string>(value);
  if (conversion.to == Type::integer) return converted(conversion, parse_int(text, 0));
  if (conversion.to == Type::floating) return converted(conversion, parse_float(text));
  return converted(conversion, parse_bool(text));
}

const Function* find_function(const Scope& scope, std::string_view name) {
  for (const Function& function : scope.functions) {
    if (function.name == name) return &function;
  }
  return nullptr;
}

const std::string_view* find_variable(const Scope& scope, std::string_view name) {
  for (const auto& [known, value] : scope.variables) {
    if (known == name) return &value;
  }
  return nullptr;
}

// First every name must be known.
Result<> check_names(const std::vector<Step>& steps, const Scope& scope) {
  for (const Step& step : steps) {
    const auto at = [&] {
      return std::to_string(step.position.line) + ":" + std::to_string(step.position.column) + ": ";
    };
    if (step.kind == Step::Kind::variable && !find_variable(scope, step.name)) {
      return failed(at() + "unknown variable accessed: " + step.name);
    }
    if (step.kind != Step::Kind::call) continue;
    const Function* function = find_function(scope, step.name);
    if (!function && !find_conversion(step.name)) return failed(at() + "unknown function called: " + step.name);
    const std::size_t wanted = function ? function->arguments.size() : 1;
    if (step.operands != wanted) {
      return failed(at() + step.name + ": expected " + std::to_string(wanted) + " arguments, got " +
                    std::to_string(step.operands));
    }
  }
  return {};
}

// Then every operand must have a type that fits, or that can be converted.
class TypeCheck {
 public:
  TypeCheck(const std::vector<Step>& steps, const Scope& scope)
      : steps_(steps), scope_(scope), conversions_(steps.size(), nullptr) {}

  Result<> run() {
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      Result<Type> type = check(steps_[i]);
      if (!type) {
        const Position at = steps_[i].position;
        return failed("At column " + std::to_string(at.column) + ", line " + std::to_string(at.line) + ": " +
                      type.error().detail);
      }
      stack_.resize(stack_.size() - steps_[i].operands);
      stack_.push_back({*type, i});
    }
    return {};
  }
  /// By step: what becomes of its result before it is used.
  const std::vector<const Conversion*>& conversions() const { return conversions_; }

 private:
  struct Operand {
    Type type;
    std::size_t step;
  };
  Operand& operand(const Step& step, std::size_t i) { return stack_[stack_.size() - step.operands + i]; }

  bool accept(Operand& operand, Type wanted) {
    if (operand.type == wanted) return true;
    const Conversion* conversion = find_conversion(operand.type, wanted);
    if (!conversion) return false;
    conversions_[operand.step] = conversion;
    operand.type = wanted;
    return true;
  }

  Result<Type> check(const Step& step) {
    switch (step.kind) {
      case Step::Kind::literal:
        return type_of(step.value);
      case Step::Kind::variable:
        return Type::string;
      case Step::Kind::index:
        return failed("invalid index operation into non-indexable type: " + std::string(go_name(Type::string)));
      case Step::Kind::output:
        for (std::uint32_t i = 0; i < step.operands; ++i) (void)accept(operand(step, i), Type::string);  // all can be
        return Type::string;
      case Step::Kind::call:
        return check_call(step);
      case Step::Kind::conditional:
        return check_conditional(step);
      case Step::Kind::arithmetic:
        break;
    }
    if (is_logical(step.op)) return check_logical(step);
    return is_comparison(step.op) ? check_comparison(step) : check_numeric(step);
  }

  Result<Type> check_call(const Step& step) {
    const Function* function = find_function(scope_, step.name);
    const Conversion* conversion = function ? nullptr : find_conversion(step.name);
    for (std::uint32_t i = 0; i < step.operands; ++i) {
      const Type wanted = function ? function->arguments[i] : conversion->from;
      const Type got = operand(step, i).type;
      if (accept(operand(step, i), wanted)) continue;
      return failed(step.name + ": argument " + std::to_string(i + 1) + " should be " + std::string(printable(wanted)) +
                    ", got " + std::string(printable(got)));
    }
    return function ? function->result : conversion->to;
  }

  Result<Type> check_conditional(const Step& step) {
    Operand& condition = operand(step, 0);
    if (!accept(condition, Type::boolean)) {
      return failed("condition must be type bool, not " + std::string(printable(condition.type)));
    }
    Operand& yes = operand(step, 1);
    Operand& no = operand(step, 2);
    const Type types[] = {yes.type, no.type};
    // A text follows the other branch; else the first branch decides.
    if (!(yes.type == Type::string ? accept(yes, no.type) : accept(no, yes.type))) {
      return failed("true and false expression types must match; have " + std::string(printable(types[0])) + " and " +
                    std::string(printable(types[1])));
    }
    return yes.type;
  }

  Result<Type> check_logical(const Step& step) {
    for (std::uint32_t i = 0; i < step.operands; ++i) {
      const Type got = operand(step, i).type;
      if (accept(operand(step, i), Type::boolean)) continue;
      return failed("logical operators require boolean operands, not " + std::string(go_name(got)));
    }
    return Type::boolean;
  }

  // Whole numbers unless one operand is none.
  Type number_type(const Step& step) {
    for (std::uint32_t i = 0; i < step.operands; ++i) {
      if (operand(step, i).type == Type::floating) return Type::floating;
    }
    return Type::integer;
  }

  Result<> accept_all(const Step& step, Type wanted) {
    for (std::uint32_t i = 0; i < step.operands; ++i) {
      const Type got = operand(step, i).type;
      if (accept(operand(step, i), wanted)) continue;
      return failed("operand " + std::to_string(i + 1) + " should be " + std::string(go_name(wanted)) + ", got " +
                    std::string(go_name(got)));
    }
    return {};
  }

  Result<Type> check_comparison(const Step& step) {
    const Type wanted = is_order(step.op) ? number_type(step) : operand(step, 0).type;
    if (Result<> accepted = accept_all(step, wanted); !accepted) return accepted.error();
    return Type::boolean;
  }

  Result<Type> check_numeric(const Step& step) {
    const Type wanted = number_type(step);
    if (Result<> accepted = accept_all(step, wanted); !accepted) return accepted.error();
    if (wanted == Type::floating && step.op == Operator::modulo) return failed("modulo cannot be used with floats");
    return wanted;
  }

  const std::vector<Step>& steps_;
  const Scope& scope_;
  std::vector<const Conversion*> conversions_;
  std::vector<Operand> stack_{};
};

// Overflow wraps around, as it does for the servers that share a log with us.
Result<Value> integer_math(Operator op, std::int64_t left, std::int64_t right) {
  const auto a = static_cast<std::uint64_t>(left), b = static_cast<std::uint64_t>(right);
  switch (op) {
    case Operator::add:
      return Value(static_cast<std::int64_t>(a + b));
    case Operator::subtract:
      return Value(static_cast<std::int64_t>(a - b));
    case Operator::multiply:
      return Value(static_cast<std::int64_t>(a * b));
    default:
      break;
  }
  if (right == 0) return failed("__builtin_IntMath: divide by zero");
  if (op == Operator::divide) return Value(right == -1 ? static_cast<std::int64_t>(0 - a) : left / right);
  return Value(right == -1 ? std::int64_t{0} : left % right);
}

double float_math(Operator op, double left, double right) {
  switch (op) {
    case Operator::add:
      return left + right;
    case Operator::subtract:
      return left - right;
    case Operator::multiply:
      return left * right;
    default:
      return left / right;
  }
}

// Compares alternatives of one type: they have been converted.
bool compare(Operator op, const Value& left, const Value& right) {
  switch (op) {
    case Operator::equal:
      return left == right;
    case Operator::not_equal:
      return left != right;
    case Operator::less:
      return left < right;
    case Operator::less_or_equal:
      return left <= right;
    case Operator::greater:
      return left > right;
    default:
      return left >= right;
  }
}

Result<Value> arithmetic(Operator op, const Value& left, const Value& right) {
  if (op == Operator::logical_and) return Value(std::get<bool>(left) && std::get<bool>(right));
  if (op == Operator::logical_or) return Value(std::get<bool>(left) || std::get<bool>(right));
  if (is_comparison(op)) return Value(compare(op, left, right));
  if (const double* number = std::get_if<double>(&left)) return Value(float_math(op, *number, std::get<double>(right)));
  return integer_math(op, std::get<std::int64_t>(left), std::get<std::int64_t>(right));
}

// Every operand is computed, also the branch that is not taken.
Result<Value> compute(const Step& step, std::span<Value> operands, const Scope& scope) {
  switch (step.kind) {
    case Step::Kind::literal:
      return step.value;
    case Step::Kind::variable:
      return Value(std::string(*find_variable(scope, step.name)));
    case Step::Kind::call: {
      const Function* function = find_function(scope, step.name);
      return function ? function->call(operands) : convert(*find_conversion(step.name), operands[0]);
    }
    case Step::Kind::conditional:
      return std::move(operands[std::get<bool>(operands[0]) ? 1 : 2]);
    case Step::Kind::arithmetic:
      return arithmetic(step.op, operands[0], operands[1]);
    case Step::Kind::output:
    case Step::Kind::index:  // no type lets it through
      break;
  }
  std::string text;
  for (const Value& part : operands) text += std::get<std::string>(part);
  return Value(std::move(text));
}

}  // namespace

Result<std::string> Text::evaluate(const Scope& scope) const {
  // By far most texts have nothing in them to evaluate.
  if (steps_.size() == 1 && steps_[0].kind == Step::Kind::literal) return std::get<std::string>(steps_[0].value);
  if (Result<> known = check_names(steps_, scope); !known) return known.error();
  TypeCheck types(steps_, scope);
  if (Result<> fits = types.run(); !fits) return fits.error();

  std::vector<Value> stack;
  std::size_t produced = 0;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const std::size_t base = stack.size() - steps_[i].operands;
    Result<Value> value = compute(steps_[i], std::span(stack).subspan(base), scope);
    if (!value) return value.error();
    if (const Conversion* conversion = types.conversions()[i]) value = convert(*conversion, *value);
    if (!value) return value.error();
    if (const std::string* text = std::get_if<std::string>(&*value)) produced += text->size();
    if (produced > kMaxEvaluatedBytes) return failed("result is too long");
    stack.resize(base);
    stack.push_back(std::move(*value));
  }
  return std::get<std::string>(stack.back());
}

}  // namespace proconsul::base::hil
