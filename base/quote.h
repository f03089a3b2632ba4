// Text as Go's error messages quote it.
#pragma once

#include <string>
#include <string_view>

namespace proconsul::base {

/// Go's strconv.Quote and %q: "a\"b\n\x00", with what is not printable escaped.
std::string quote(std::string_view text);
/// The byte as encoding/json names it in syntax errors: 'x', '\n', '"', 'â'.
std::string quote_byte(unsigned char byte);

}  // namespace proconsul::base
