// Gossip packets on a stream: each with its length before it, four bytes, big-endian.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace proconsul::wanfed {

inline constexpr std::size_t kMostPacketBytes = std::size_t{4} << 20;

/// The packet is not longer than kMostPacketBytes.
std::string frame(std::string_view packet);

/// Puts together what came in pieces.
class FrameReader {
 public:
  /// Calls `packet` for each that is whole now. An error: what comes is no such stream, and nothing more is read of it.
  base::Result<> take(std::string_view bytes, const std::function<void(std::string_view packet)>& packet);

 private:
  std::string kept_{};
};

}  // namespace proconsul::wanfed
