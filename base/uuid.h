// UUIDs as Consul makes and checks them: 16 random bytes in the usual notation, without version bits.
#pragma once

#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"

namespace proconsul::base {

std::string generate_uuid(Random& random);
/// "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx" from 16 bytes.
std::string format_uuid(std::string_view bytes);
/// The 16 bytes; either letter case. Texts: "uuid string is wrong length", "uuid is improperly formatted", those of
/// hex.
Result<std::string> parse_uuid(std::string_view text);

}  // namespace proconsul::base
