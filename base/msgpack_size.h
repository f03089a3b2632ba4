// Where a value of a msgpack stream ends, before all of it is here.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"

namespace proconsul::base {

/// How many bytes the first value takes; 0: more must arrive first. Errc::too_large or invalid_argument as soon as it is
/// clear that it will not do.
Result<std::size_t> msgpack_size(std::string_view stream, std::size_t max_bytes);

}  // namespace proconsul::base
