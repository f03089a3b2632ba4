// The grammar of JSON with the error texts of Go's encoding/json. Part of the reader in json.h.
#pragma once

#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace proconsul::base {

/// Nesting that is still accepted, as in Go.
inline constexpr std::size_t kMaxJsonDepth = 10'000;

/// Checks the first value of the text, and with JsonInput::whole what follows; returns the value's own bytes.
Result<std::string_view> scan_json(std::string_view text, JsonInput input);

}  // namespace proconsul::base
