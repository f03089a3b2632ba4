// Base64 (standard alphabet, padded) and hexadecimal, as Go's encoding/base64 and encoding/hex.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace proconsul::base {

void append_base64(std::string& out, std::string_view bytes);
std::string to_base64(std::string_view bytes);
/// Line breaks are passed over; Go's text otherwise: "illegal base64 data at input byte 4".
Result<std::string> from_base64(std::string_view text);

std::string to_hex(std::string_view bytes);
/// Either letter case; Go's texts: "encoding/hex: odd length hex string", "encoding/hex: invalid byte: U+0067 'g'".
Result<std::string> from_hex(std::string_view text);

}  // namespace proconsul::base
