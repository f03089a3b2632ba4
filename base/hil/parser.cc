#include <optional>

#include "base/hil/hil.h"
#include "base/hil/scanner.h"
#include "base/strconv.h"
#include "base/utf8.h"

namespace proconsul::base::hil {

using Kind = Token::Kind;

namespace {

Error parse_error(Position at, std::string text) {
  return {Errc::invalid_argument,
          "parse error at " + std::to_string(at.line) + ":" + std::to_string(at.column) + ": " + std::move(text)};
}

Error expected(std::string_view wanted, const Token& got) {
  return parse_error(got.position, "expected " + std::string(wanted) + " but found " + got.description());
}

// Binary operators by how tightly they bind; 0: none.
struct Binary {
  unsigned tightness = 0;
  Operator op{};
};
Binary binary(const Token& token) {
  static constexpr struct {
    std::string_view text;
    Binary binary;
  } kOperators[] = {
      {"||", {1, Operator::logical_or}}, {"&&", {2, Operator::logical_and}},   {"==", {3, Operator::equal}},
      {"!=", {3, Operator::not_equal}},  {">", {4, Operator::greater}},        {">=", {4, Operator::greater_or_equal}},
      {"<", {4, Operator::less}},        {"<=", {4, Operator::less_or_equal}}, {"+", {5, Operator::add}},
      {"-", {5, Operator::subtract}},    {"*", {6, Operator::multiply}},       {"/", {6, Operator::divide}},
      {"%", {6, Operator::modulo}},
  };
  if (token.kind != Kind::punctuation) return {};
  for (const auto& row : kOperators) {
    if (row.text == token.content) return row.binary;
  }
  return {};
}

std::uint32_t characters(std::string_view text) {
  std::uint32_t count = 0;
  for (; !text.empty(); text.remove_prefix(decode_rune(text).size)) ++count;
  return count;
}

class Parser {
 public:
  explicit Parser(std::string_view source) : scanner_(source) {}

  Result<std::vector<Step>> run() {
    if (Result<> parsed = sequence(false); !parsed) return parsed.error();
    return std::move(steps_);
  }

 private:
  // The top level, or what is in quotes inside ${...}.
  Result<> sequence(bool quoted) {
    const Position start = scanner_.peek().position;
    if (quoted) scanner_.read();
    const std::size_t first = steps_.size();
    std::uint32_t parts = 0;
    for (;; ++parts) {
      const Token token = scanner_.read();
      if (token.kind == (quoted ? Kind::close_quote : Kind::end_of_text)) break;
      if (token.kind == (quoted ? Kind::string : Kind::literal)) {
        Result<std::string> text = unescape(token);
        if (!text) return text.error();
        if (Result<> added = literal(token.position, std::move(*text)); !added) return added;
      } else if (token.kind == Kind::begin) {
        if (Result<> parsed = expression(); !parsed) return parsed;
        const Token end = scanner_.read();
        if (end.kind != Kind::end) return expected("\"}\"", end);
      } else {
        return expected("\"${\"", token);
      }
    }
    if (parts == 0) return literal(start, std::string());
    // A text alone is what it is.
    if (parts == 1 && steps_.size() == first + 1 && steps_.back().kind == Step::Kind::literal &&
        std::holds_alternative<std::string>(steps_.back().value)) {
      return {};
    }
    return add({.kind = Step::Kind::output, .operands = parts, .position = start});
  }

  Result<std::string> unescape(const Token& token) {
    const std::string_view raw = token.content;
    std::string text;
    text.reserve(raw.size());
    for (std::size_t i = 0; i < raw.size(); ++i) {
      char c = raw[i];
      const bool more = i + 1 < raw.size();
      if (c == '$' && more && raw[i + 1] == '$') {
        ++i;
      } else if (c == '\\' && token.kind == Kind::string) {
        const Position at{token.position.column + characters(raw.substr(0, i)), token.position.line};
        if (!more) return parse_error(at, "unfinished backslash escape sequence");
        const char escaped = raw[++i];
        if (escaped == 'n') {
          c = '\n';
        } else if (escaped == '\\' || escaped == '"') {
          c = escaped;
        } else {
          return parse_error(at, "invalid backslash escape sequence");
        }
      }
      text += c;
    }
    return text;
  }

  Result<> expression() {
    const Token first = scanner_.peek();
    if (++depth_ > kMaxNesting) return parse_error(first.position, "expression is nested too deeply");
    Result<> parsed = conditional(first.position);
    --depth_;
    return parsed;
  }

  Result<> conditional(Position start) {
    if (Result<> parsed = operation(1); !parsed) return parsed;
    if (!scanner_.peek().is("?")) return {};
    scanner_.read();
    if (Result<> parsed = expression(); !parsed) return parsed;
    if (const Token colon = scanner_.read(); !colon.is(":")) return expected(":", colon);
    if (Result<> parsed = expression(); !parsed) return parsed;
    return add({.kind = Step::Kind::conditional, .operands = 3, .position = start});
  }

  // Operators that bind at least so tightly, from left to right.
  Result<> operation(unsigned tightness) {
    const Position start = scanner_.peek().position;
    if (Result<> parsed = term(); !parsed) return parsed;
    for (;;) {
      const Binary next = binary(scanner_.peek());
      if (next.tightness == 0 || next.tightness < tightness) return {};
      scanner_.read();
      if (Result<> parsed = operation(next.tightness + 1); !parsed) return parsed;
      if (Result<> added = arithmetic(start, next.op); !added) return added;
    }
  }

  Result<> term() {
    const Token token = scanner_.peek();
    switch (token.kind) {
      case Kind::open_quote: {
        if (++depth_ > kMaxNesting) return parse_error(token.position, "expression is nested too deeply");
        Result<> parsed = sequence(true);
        --depth_;
        return parsed;
      }
      case Kind::integer: {
        scanner_.read();
        const Result<std::int64_t> number = parse_atoi(token.content);
        if (!number) return parse_error(token.position, "invalid integer: " + number.error().detail);
        return literal(token.position, *number);
      }
      case Kind::floating: {
        scanner_.read();
        const Result<double> number = parse_float(token.content);
        if (!number) return parse_error(token.position, "invalid float: " + number.error().detail);
        return literal(token.position, *number);
      }
      case Kind::boolean:
        scanner_.read();
        return literal(token.position, token.content == "true");
      case Kind::identifier:
        return reference();
      default:
        break;
    }
    if (token.is("(")) {
      scanner_.read();
      if (Result<> parsed = expression(); !parsed) return parsed;
      return close(")");
    }
    // -x is 0 - x and !x is false == x, of the next term alone.
    if (token.is("-")) return prefixed(token, std::int64_t{0}, Operator::subtract);
    if (token.is("!")) return prefixed(token, false, Operator::equal);
    return expected("expression", token);
  }

  Result<> prefixed(const Token& token, Value left, Operator op) {
    scanner_.read();
    if (++depth_ > kMaxNesting) return parse_error(token.position, "expression is nested too deeply");
    if (Result<> added = literal(token.position, std::move(left)); !added) return added;
    if (Result<> parsed = term(); !parsed) return parsed;
    --depth_;
    return arithmetic(token.position, op);
  }

  // A variable, a call, or an index into a variable.
  Result<> reference() {
    const Token name = scanner_.read();
    if (scanner_.peek().is("(")) {
      scanner_.read();
      std::uint32_t arguments = 0;
      while (!scanner_.peek().is(")")) {
        if (Result<> parsed = expression(); !parsed) return parsed;
        ++arguments;
        if (!scanner_.peek().is(",")) break;
        scanner_.read();
      }
      if (Result<> closed = close(")"); !closed) return closed;
      return add({.kind = Step::Kind::call,
                  .operands = arguments,
                  .position = name.position,
                  .name = std::string(name.content)});
    }
    if (Result<> added =
            add({.kind = Step::Kind::variable, .position = name.position, .name = std::string(name.content)});
        !added) {
      return added;
    }
    if (!scanner_.peek().is("[")) return {};
    const Token bracket = scanner_.read();
    if (Result<> parsed = expression(); !parsed) return parsed;
    if (Result<> closed = close("]"); !closed) return closed;
    return add({.kind = Step::Kind::index, .operands = 2, .position = bracket.position});
  }

  Result<> close(std::string_view bracket) {
    const Token token = scanner_.read();
    if (token.is(bracket)) return {};
    return expected("\"" + std::string(bracket) + "\"", token);
  }

  Result<> literal(Position at, Value value) {
    return add({.kind = Step::Kind::literal, .position = at, .value = std::move(value)});
  }
  Result<> arithmetic(Position at, Operator op) {
    return add({.kind = Step::Kind::arithmetic, .op = op, .operands = 2, .position = at});
  }
  Result<> add(Step step) {
    if (steps_.size() >= kMaxSteps) return parse_error(step.position, "text has too many parts");
    steps_.push_back(std::move(step));
    return {};
  }

  Scanner scanner_;
  std::vector<Step> steps_{};
  unsigned depth_ = 0;
};

}  // namespace

Result<Text> Text::parse(std::string_view source) {
  Result<std::vector<Step>> steps = Parser(source).run();
  if (!steps) return steps.error();
  Text text;
  text.steps_ = std::move(*steps);
  return text;
}

}  // namespace proconsul::base::hil
