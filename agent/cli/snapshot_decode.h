// A snapshot's records as JSON: the answer of `snapshot decode`.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace proconsul::agent::cli {

/// Calls `line` with {"Data":...,"Type":"..."} for each record of a snapshot's state, until one cannot be read.
base::Result<> decode_records(std::string_view state, const std::function<void(std::string_view line)>& line);

}  // namespace proconsul::agent::cli
