// Where a value of a msgpack stream ends, before all of it is here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace proconsul::base {

/// How many bytes the first value takes; 0: more must arrive first. Errc::too_large or invalid_argument as soon as it is
/// clear that it will not do.
Result<std::size_t> msgpack_size(std::string_view stream, std::size_t max_bytes);

/// How far a value was looked at.
struct MsgpackPlace {
  std::size_t at = 0;
  std::uint64_t left = 1;  // values that begin there or later
};
/// The same for a value of which more and more arrives: goes on at `place`, so that all its parts together cost one look.
Result<std::size_t> msgpack_size(std::string_view stream, std::size_t max_bytes, MsgpackPlace& place);

}  // namespace proconsul::base
