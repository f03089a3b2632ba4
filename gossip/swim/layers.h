// Layers that packets and streams share.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace proconsul::gossip::swim {

/// The message inside a compress message; longer or not.
std::string compressed(std::string_view message);
/// What a compress message's body holds, at most `limit` bytes.
base::Result<std::string> decompressed(std::string_view body, std::size_t limit);

/// Label header and label; nothing for an empty one.
std::string label_header(std::string_view label);
/// Takes the label from the front of `bytes`; empty if there is none.
base::Result<std::string> take_label(std::string_view& bytes);

}  // namespace proconsul::gossip::swim
