// Text of numbers, booleans and quoted strings with the rules and error texts of Go's strconv, which clients see.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace proconsul::base {

struct Rune {
  char32_t value{};    // U+FFFD for a byte that is not UTF-8
  std::size_t size{};  // 0 at the end of the text, 1 for a byte that is not UTF-8
  bool valid() const { return value != 0xFFFD || size == 3; }
};
/// The first character of `text`; overlong forms and surrogates are not UTF-8.
Rune decode_rune(std::string_view text);
void append_rune(std::string& out, char32_t rune);

/// `%q`: in double quotes, with what does not print escaped.
std::string quote(std::string_view text);
/// The text of a literal in "double" or `back` quotes; fails with "invalid syntax".
Result<std::string> unquote(std::string_view literal);

/// `strconv.ParseInt: parsing "x": invalid syntax`, `... value out of range`. Base 0 takes 0x, 0o, 0b, 0 and `_`.
Result<std::int64_t> parse_int(std::string_view text, int base = 10, int bits = 64);
Result<std::uint64_t> parse_uint(std::string_view text, int base = 10, int bits = 64);
/// strconv.Atoi: as parse_int in base 10, but the error names Atoi.
Result<std::int64_t> parse_atoi(std::string_view text);
Result<double> parse_float(std::string_view text, int bits = 64);
Result<bool> parse_bool(std::string_view text);

}  // namespace proconsul::base
