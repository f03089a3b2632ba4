// Paths whose parts are separated by slashes, as in keys.
#pragma once

#include <string>
#include <string_view>

namespace proconsul::base {

/// Go's path.Clean of the two joined by a slash; an empty part is left out.
std::string join_path(std::string_view first, std::string_view second);

}  // namespace proconsul::base
