// The tokens of HIL. Outside ${...} a text is literals; inside there are expressions, and quotes open literals again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/hil/hil.h"

namespace proconsul::base::hil {

struct Token {
  enum class Kind : std::uint8_t {
    literal,  // outside ${...}
    string,   // the same in quotes inside ${...}: has backslash escapes
    integer,
    floating,
    boolean,
    identifier,
    begin,  // ${
    end,    // }
    open_quote,
    close_quote,
    punctuation,  // content says which: ( ) [ ] , . + - * / % ? : ! < > <= >= == != && ||
    invalid,
    end_of_text,
  };
  Kind kind{};
  std::string_view content{};
  Position position{};

  bool is(std::string_view punctuation) const { return kind == Kind::punctuation && content == punctuation; }
  /// As error texts name it.
  std::string description() const;
};

/// After an invalid token there is only the end.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}
  const Token& peek();
  /// The end is read as often as one likes.
  Token read();

 private:
  Token next();
  Token scan_literal();
  Token scan_expression();
  Token take(Token::Kind kind, std::size_t bytes);
  std::size_t identifier_length(std::uint32_t& characters) const;

  std::string_view rest_;
  Position position_{};
  unsigned nesting_ = 0;    // of ${...} around here
  bool in_literal_ = true;  // else inside ${...}
  bool ended_ = false;
  std::optional<Token> terminator_{};  // found behind the literal that was handed out
  std::optional<Token> peeked_{};
};

}  // namespace proconsul::base::hil
