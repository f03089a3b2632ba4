// What both sides of HTTP/2 have in common.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proconsul::base::net {

/// Pseudo-headers first, names in small letters.
using H2Fields = std::vector<std::pair<std::string, std::string>>;

/// The first field of that name; empty if there is none.
std::string_view field(const H2Fields& fields, std::string_view name);

}  // namespace proconsul::base::net
