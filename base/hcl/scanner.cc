#include "base/hcl/scanner.h"

#include "base/utf8.h"

namespace proconsul::base::hcl {
namespace {

bool is_decimal(char32_t c) {
  return c >= '0' && c <= '9';
}
bool is_hexadecimal(char32_t c) {
  return is_decimal(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Letters beyond ASCII by their blocks: all but the blocks of punctuation, symbols, spaces and private characters.
bool is_letter(char32_t c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_') return true;
  if (c < 0x80) return false;
  if (c < 0xC0) return c == 0xAA || c == 0xB5 || c == 0xBA;
  return c != 0xD7 && c != 0xF7 && !(c >= 0x2000 && c <= 0x2BFF) && !(c >= 0x3000 && c <= 0x3004) &&
         !(c >= 0x3007 && c <= 0x3030) && !(c >= 0xD800 && c <= 0xF8FF) && !(c >= 0xFE00 && c <= 0xFE6F) &&
         !(c >= 0xFF00 && c <= 0xFF20) && (c < 0xFFF0 || c >= 0x10000) && !(c >= 0x1F000 && c <= 0x1FAFF) &&
         c < 0xE0000;
}

int digit_value(char32_t c) {
  if (is_decimal(c)) return static_cast<int>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<int>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<int>(c - 'A') + 10;
  return 16;
}

bool is_space(char32_t c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

}  // namespace

std::string_view to_string(TokenKind kind) {
  switch (kind) {
    case TokenKind::illegal:
      return "ILLEGAL";
    case TokenKind::end:
      return "EOF";
    case TokenKind::comment:
      return "COMMENT";
    case TokenKind::identifier:
      return "IDENT";
    case TokenKind::number:
      return "NUMBER";
    case TokenKind::floating:
      return "FLOAT";
    case TokenKind::boolean:
      return "BOOL";
    case TokenKind::string:
      return "STRING";
    case TokenKind::heredoc:
      return "HEREDOC";
    case TokenKind::left_bracket:
      return "LBRACK";
    case TokenKind::left_brace:
      return "LBRACE";
    case TokenKind::comma:
      return "COMMA";
    case TokenKind::period:
      return "PERIOD";
    case TokenKind::right_bracket:
      return "RBRACK";
    case TokenKind::right_brace:
      return "RBRACE";
    case TokenKind::assign:
      return "ASSIGN";
    case TokenKind::add:
      return "ADD";
    case TokenKind::subtract:
      return "SUB";
  }
  return "ILLEGAL";
}

std::string to_string(const Position& position) {
  if (position.line == 0) return "-";
  return std::to_string(position.line) + ":" + std::to_string(position.column);
}

char32_t Scanner::next() {
  before_line_ = line_;
  before_column_ = column_;
  ++column_;
  last_size_ = 0;
  if (at_ >= text_.size()) return kEnd;
  const DecodedRune decoded = decode_rune(text_.substr(at_));
  last_size_ = decoded.size;
  at_ += decoded.size;
  if (decoded.rune == kReplacementCharacter && decoded.size == 1) {
    fail("illegal UTF-8 encoding");
  } else if (decoded.rune == '\n') {
    ++line_;
    last_line_length_ = column_;
    column_ = 0;
  } else if (decoded.rune == 0) {
    fail("unexpected null character (0x00)");
  } else if (decoded.rune == 0xE123) {
    fail("unicode code point U+E123 reserved for internal use");
    return kReplacementCharacter;
  }
  return decoded.rune;
}

void Scanner::unread() {
  at_ -= last_size_;
  last_size_ = 0;
  line_ = before_line_;
  column_ = before_column_;
}

char32_t Scanner::peek() const {
  return at_ < text_.size() ? decode_rune(text_.substr(at_)).rune : kEnd;
}

void Scanner::fail(std::string_view why) {
  Position position{.offset = at_ - last_size_, .line = line_, .column = column_};
  if (column_ == 0) {
    position.line = last_line_length_ > 0 ? line_ - 1 : 1;
    position.column = last_line_length_ > 0 ? last_line_length_ : 1;
  }
  error_ = Error{Errc::invalid_argument, "At " + to_string(position) + ": " + std::string(why)};
}

Token Scanner::scan() {
  char32_t c = next();
  while (is_space(c)) c = next();
  Token token;
  const std::size_t start = at_ - last_size_;
  token.position = {.offset = start, .line = line_, .column = column_};
  token.kind = scan_kind(c);
  token.text = text_.substr(start, at_ - start);
  if (token.kind == TokenKind::identifier && (token.text == "true" || token.text == "false")) {
    token.kind = TokenKind::boolean;
  }
  return token;
}

TokenKind Scanner::scan_kind(char32_t first) {
  if (is_letter(first)) {
    char32_t c = next();
    while (is_letter(c) || is_decimal(c) || c == '-' || c == '.') c = next();
    if (c != kEnd) unread();
    return TokenKind::identifier;
  }
  if (is_decimal(first)) return scan_number(first);
  switch (first) {
    case kEnd:
      return TokenKind::end;
    case '"':
      scan_string();
      return TokenKind::string;
    case '#':
    case '/':
      scan_comment(first);
      return TokenKind::comment;
    case '<':
      scan_heredoc();
      return TokenKind::heredoc;
    case '.':
      if (!is_decimal(peek())) return TokenKind::period;
      scan_exponent(scan_mantissa(peek()));
      return TokenKind::floating;
    case '[':
      return TokenKind::left_bracket;
    case ']':
      return TokenKind::right_bracket;
    case '{':
      return TokenKind::left_brace;
    case '}':
      return TokenKind::right_brace;
    case ',':
      return TokenKind::comma;
    case '=':
      return TokenKind::assign;
    case '+':
      return TokenKind::add;
    case '-':
      if (!is_decimal(peek())) return TokenKind::subtract;
      return scan_number(next());
    default:
      fail("illegal char");
      return TokenKind::illegal;
  }
}

void Scanner::scan_comment(char32_t first) {
  if (first == '#' || peek() != '*') {
    if (first == '/' && peek() != '/') return fail("expected '/' for comment");
    char32_t c = next();
    while (c != '\n' && c != kEnd) c = next();
    if (c != kEnd) unread();
    return;
  }
  next();  // the star
  for (char32_t c = next(), before = 0; !(before == '*' && c == '/');) {
    if (c == kEnd) return fail("comment not terminated");
    before = c;
    c = next();
  }
}

TokenKind Scanner::scan_number(char32_t first) {
  auto fraction_and_exponent = [&](char32_t c) {
    c = scan_fraction(c);
    if (c == 'e' || c == 'E') scan_exponent(next());
    return TokenKind::floating;
  };
  char32_t c;
  bool illegal_octal = false;
  if (first == '0') {
    c = next();
    if (c == 'x' || c == 'X') {
      c = next();
      if (!is_hexadecimal(c)) fail("illegal hexadecimal number");
      while (is_hexadecimal(c)) c = next();
      if (c != kEnd) unread();
      return TokenKind::number;
    }
    while (is_decimal(c)) {
      c = next();
      if (c == '8' || c == '9') illegal_octal = true;  // unless it turns out to be a fraction
    }
  } else {
    scan_mantissa(first);
    c = next();
  }
  if (c == 'e' || c == 'E') {
    scan_exponent(c);
    return TokenKind::floating;
  }
  if (c == '.') return fraction_and_exponent(c);
  if (illegal_octal) fail("illegal octal number");
  if (c != kEnd) unread();
  return TokenKind::number;
}

/// Reads digits from `c` on; returns the first character that is none, which stays unread.
char32_t Scanner::scan_mantissa(char32_t c) {
  bool scanned = false;
  while (is_decimal(c)) {
    c = next();
    scanned = true;
  }
  if (scanned && c != kEnd) unread();
  return c;
}

char32_t Scanner::scan_fraction(char32_t c) {
  return c == '.' ? scan_mantissa(peek()) : c;
}

void Scanner::scan_exponent(char32_t c) {
  if (c != 'e' && c != 'E') return;
  c = next();
  if (c == '-' || c == '+') c = next();
  scan_mantissa(c);
}

void Scanner::scan_string() {
  int braces = 0;  // within ${...} quotes and newlines are plain
  while (true) {
    const char32_t c = next();
    if ((c == '\n' && braces == 0) || c == kEnd) return fail("literal not terminated");
    if (c == '"' && braces == 0) return;
    if (braces == 0 && c == '$' && peek() == '{') {
      ++braces;
      next();
    } else if (braces > 0 && c == '{') {
      ++braces;
    }
    if (braces > 0 && c == '}') --braces;
    if (c == '\\') scan_escape();
  }
}

void Scanner::scan_escape() {
  const char32_t c = next();
  switch (c) {
    case 'a':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
    case 'v':
    case '\\':
    case '"':
      return;
    case 'x':
      return scan_digits(next(), 16, 2);
    case 'u':
      return scan_digits(next(), 16, 4);
    case 'U':
      return scan_digits(next(), 16, 8);
    default:
      if (c >= '0' && c <= '7') return scan_digits(c, 8, 3);
      fail("illegal char escape");
  }
}

void Scanner::scan_digits(char32_t c, int base, int count) {
  const int all = count;
  while (count > 0 && digit_value(c) < base) {
    c = next();
    if (c == kEnd) break;
    --count;
  }
  if (count > 0) fail("illegal char escape");
  if (count != all && c != kEnd) unread();
}

void Scanner::scan_heredoc() {
  if (next() != '<') return fail("heredoc expected second '<', didn't see it");
  const std::size_t start = at_;
  char32_t c = next();
  if (c == '-') c = next();
  while (is_letter(c) || is_decimal(c)) c = next();
  if (c == kEnd) return fail("heredoc not terminated");
  if (c == '\r' && peek() == '\n') c = next();
  if (c != '\n') return fail("invalid characters in heredoc anchor");

  const std::string_view marker = text_.substr(start, at_ - last_size_ - start);
  const std::string_view anchor = marker.starts_with('-') ? marker.substr(1) : marker;
  if (anchor.empty()) return fail("zero-length heredoc anchor");
  for (std::size_t line_start = at_;;) {
    c = next();
    if (c == kEnd) return fail("heredoc not terminated");
    if (c != '\n') continue;
    std::string_view line = text_.substr(line_start, at_ - 1 - line_start);
    if (line.size() >= marker.size()) {
      while (line.ends_with('\r')) line.remove_suffix(1);
      const std::size_t indent = line.find_first_not_of(" \t\n\v\f\r");
      if (indent != line.npos && line.substr(indent) == anchor) return;
    }
    line_start = at_;
  }
}

}  // namespace proconsul::base::hcl
