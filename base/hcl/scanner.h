// Tokens of HCL 1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/hcl/hcl.h"

namespace proconsul::base::hcl {

enum class TokenKind : std::uint8_t {
  illegal,
  end,
  comment,
  identifier,
  number,
  floating,
  boolean,
  string,
  heredoc,
  left_bracket,
  left_brace,
  comma,
  period,
  right_bracket,
  right_brace,
  assign,
  add,
  subtract,
};
/// As error texts name it: "LBRACE".
std::string_view to_string(TokenKind kind);

struct Token {
  TokenKind kind = TokenKind::illegal;
  Position position{};
  std::string_view text{};
};

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  /// The next token; after the end of the text always `end`.
  Token scan();
  /// The last lexical error so far. Scanning goes on after one, as what follows decides nothing.
  const std::optional<Error>& error() const { return error_; }

 private:
  static constexpr char32_t kEnd = 0;

  char32_t next();
  void unread();
  char32_t peek() const;
  void fail(std::string_view why);

  TokenKind scan_kind(char32_t first);
  void scan_comment(char32_t first);
  TokenKind scan_number(char32_t first);
  char32_t scan_mantissa(char32_t c);
  char32_t scan_fraction(char32_t c);
  void scan_exponent(char32_t c);
  void scan_string();
  void scan_escape();
  void scan_digits(char32_t first, int base, int count);
  void scan_heredoc();

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::size_t column_ = 0;  // of the character last read; 0 for a newline
  std::size_t last_size_ = 0;
  std::size_t last_line_length_ = 0;
  std::size_t before_line_ = 1, before_column_ = 0;
  std::optional<Error> error_;
};

}  // namespace proconsul::base::hcl
