// What decoding passes over in silence.
#pragma once

#include <functional>
#include <string_view>

#include "base/type.h"

namespace proconsul::base {

/// Calls `found` for each key of an encoded structure, or of one in it, that the type has no field for: its path,
/// "Service.Ports", and its value, still encoded. The input decodes as the type without an error.
void each_unknown_key(std::string_view input, const Type& type,
                      const std::function<void(std::string_view path, std::string_view value)>& found);

}  // namespace proconsul::base
