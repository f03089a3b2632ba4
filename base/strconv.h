// Text to numbers, booleans and unquoted strings with the rules and error texts of Go's strconv, which clients see.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace proconsul::base {

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
