#include "base/hil/scanner.h"

#include "base/quote.h"
#include "base/utf8.h"

namespace proconsul::base::hil {

using Kind = Token::Kind;

namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// What is not ASCII counts as a letter: no variable and no function is named so, and all that follows is which error
// says that.
bool is_letter(char32_t rune) {
  return (rune >= 'a' && rune <= 'z') || (rune >= 'A' && rune <= 'Z') ||
         (rune >= 0x80 && rune != kReplacementCharacter);
}

// Digits and at most one period; a period before anything else than those is not part of the number.
std::size_t number_length(std::string_view text, Kind& kind) {
  kind = Kind::integer;
  std::size_t period = text.npos;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_digit(text[i])) continue;
    if (text[i] == '.') {
      if (period != text.npos) return i;
      period = i;
      kind = Kind::floating;
      continue;
    }
    if (period == i - 1) {
      kind = Kind::integer;
      return i - 1;
    }
    return i;
  }
  return text.size();
}

}  // namespace

std::string Token::description() const {
  switch (kind) {
    case Kind::end_of_text:
      return "end of string";
    case Kind::invalid:
      return "invalid sequence " + quote(content);
    case Kind::integer:
      return "integer " + std::string(content);
    case Kind::floating:
      return "float " + std::string(content);
    case Kind::string:
      return "string " + quote(content);
    case Kind::literal:
      return "literal " + quote(content);
    case Kind::open_quote:
      return "opening quote";
    case Kind::close_quote:
      return "closing quote";
    case Kind::punctuation:
      if (content == "&&" || content == "||" || content == "!=" || content == ">=" || content == "<=") {
        return std::string(content);
      }
      return quote(content);
    case Kind::boolean:
    case Kind::identifier:
    case Kind::begin:
    case Kind::end:
      break;
  }
  return quote(content);
}

const Token& Scanner::peek() {
  if (!peeked_) peeked_ = next();
  return *peeked_;
}

Token Scanner::read() {
  const Token token = peek();
  if (token.kind != Kind::end_of_text) peeked_.reset();
  return token;
}

Token Scanner::next() {
  if (ended_) return {Kind::end_of_text, {}, position_};
  if (terminator_) {
    const Token token = *terminator_;
    terminator_.reset();
    return token;
  }
  return in_literal_ ? scan_literal() : scan_expression();
}

Token Scanner::take(Kind kind, std::size_t bytes) {
  const Token token{kind, rest_.substr(0, bytes), position_};
  rest_.remove_prefix(bytes);
  if (kind == Kind::invalid) ended_ = true;
  return token;
}

// Hands out the literal, or what ends it if it is empty.
Token Scanner::scan_literal() {
  const bool quoted = nesting_ > 0;
  const Position start = position_;
  Position at = position_;
  std::size_t length = 0;
  std::optional<Kind> ends_with;
  std::size_t terminator_length = 0;
  while (length < rest_.size() && !ends_with) {
    const char c = rest_[length];
    const char follow = length + 1 < rest_.size() ? rest_[length + 1] : '\0';
    if (c == '$' && follow == '{') {
      ends_with = Kind::begin;
      terminator_length = 2;
    } else if (quoted && c == '"') {
      ends_with = Kind::close_quote;
      terminator_length = 1;
    } else if ((c == '$' && follow == '$') || (quoted && c == '\\' && (follow == '"' || follow == '\\'))) {
      at.column += 2;
      length += 2;
    } else if (c == '\n') {
      at = {1, at.line + 1};
      ++length;
    } else {
      ++at.column;
      length += decode_rune(rest_.substr(length)).size;
    }
  }
  if (!ends_with && quoted) return take(Kind::invalid, rest_.size());  // a quote that is never closed

  const Token literal = take(quoted ? Kind::string : Kind::literal, length);
  position_ = at;
  Token terminator{Kind::end_of_text, {}, at};
  if (ends_with) {
    terminator = take(*ends_with, terminator_length);
    position_.column += static_cast<std::uint32_t>(terminator_length);
    if (*ends_with == Kind::begin) ++nesting_;
    in_literal_ = false;
  } else {
    ended_ = true;
  }
  if (length == 0) return terminator;
  if (ends_with) terminator_ = terminator;
  return {literal.kind, literal.content, start};
}

Token Scanner::scan_expression() {
  while (!rest_.empty() && is_space(rest_.front())) {
    position_ =
        rest_.front() == '\n' ? Position{1, position_.line + 1} : Position{position_.column + 1, position_.line};
    rest_.remove_prefix(1);
  }
  if (rest_.empty()) {
    ended_ = true;
    return {Kind::end_of_text, {}, position_};
  }
  const char c = rest_.front();
  const auto ascii = [this](Kind kind, std::size_t bytes) {
    const Token token = take(kind, bytes);
    position_.column += static_cast<std::uint32_t>(bytes);
    return token;
  };
  switch (c) {
    case '(':
    case ')':
    case '[':
    case ']':
    case ',':
    case '.':
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
    case '?':
    case ':':
      return ascii(Kind::punctuation, 1);
    case '}':
      if (nesting_ > 0) --nesting_;
      in_literal_ = true;
      return ascii(Kind::end, 1);
    case '"':
      in_literal_ = true;
      return ascii(Kind::open_quote, 1);
    case '!':
    case '<':
    case '>':
      return ascii(Kind::punctuation, rest_.substr(1).starts_with('=') ? 2 : 1);
    case '=':
    case '&':
    case '|':
      return rest_.substr(1).starts_with(c) ? ascii(Kind::punctuation, 2) : ascii(Kind::invalid, 1);
    default:
      break;
  }
  if (is_digit(c)) {
    Kind kind{};
    const std::size_t length = number_length(rest_, kind);
    return ascii(kind, length);
  }
  const DecodedRune first = decode_rune(rest_);
  if (c == '_' || is_letter(first.rune)) {
    std::uint32_t characters = 0;
    const std::size_t length = identifier_length(characters);
    const std::string_view name = rest_.substr(0, length);
    const Token token = take(name == "true" || name == "false" ? Kind::boolean : Kind::identifier, length);
    position_.column += characters;
    return token;
  }
  const Token token = take(Kind::invalid, first.size);
  ++position_.column;
  return token;
}

// Names may hold periods, and stars between periods (`a.*.b`).
std::size_t Scanner::identifier_length(std::uint32_t& characters) const {
  std::size_t length = 0;
  while (length < rest_.size()) {
    const DecodedRune rune = decode_rune(rest_.substr(length));
    const char c = rest_[length];
    if (c != '_' && c != '-' && c != '.' && c != '*' && !is_digit(c) && !is_letter(rune.rune)) break;
    if (c == '*' && rest_[length - 1] != '.') break;
    if (length > 0 && rest_[length - 1] == '*' && c != '.') {
      length -= rest_[length - 2] == '.' ? 2 : 1;
      break;
    }
    length += rune.size;
    ++characters;
  }
  return length;
}

}  // namespace proconsul::base::hil
