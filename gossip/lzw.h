// LZW as Go's compress/lzw writes it: least significant bit first, 8-bit literals (gossip.md A3).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace proconsul::gossip {

std::string lzw_compress(std::string_view plain);

/// Errc::corrupt: not such a stream, or it ends early. Errc::too_large: more than `limit` bytes come out; none beyond
/// them are produced.
base::Result<std::string> lzw_decompress(std::string_view compressed, std::size_t limit);

}  // namespace proconsul::gossip
