#include "wanfed/frames.h"

#include <cstdint>

namespace proconsul::wanfed {

using base::Errc;
using base::Result;

namespace {

constexpr std::size_t kHead = 4;

std::size_t length_of(std::string_view head) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < kHead; ++i) length = length << 8 | static_cast<unsigned char>(head[i]);
  return length;
}

}  // namespace

std::string frame(std::string_view packet) {
  const auto length = static_cast<std::uint32_t>(packet.size());
  std::string framed;
  framed.reserve(kHead + packet.size());
  for (int shift = 24; shift >= 0; shift -= 8) framed += static_cast<char>(length >> shift & 0xff);
  return framed.append(packet);
}

Result<> FrameReader::take(std::string_view bytes, const std::function<void(std::string_view packet)>& packet) {
  // Mostly whole packets come: they are read where they are.
  std::string joined;
  if (!kept_.empty()) {
    kept_ += bytes;
    if (kept_.size() >= kHead && length_of(kept_) <= kMostPacketBytes && kept_.size() < kHead + length_of(kept_)) {
      return {};
    }
    joined.swap(kept_);
    bytes = joined;
  }
  while (bytes.size() >= kHead) {
    const std::size_t length = length_of(bytes);
    if (length > kMostPacketBytes) {
      return {Errc::too_large, "a gossip packet of " + std::to_string(length) + " bytes, at most " +
                                   std::to_string(kMostPacketBytes) + " are read"};
    }
    if (bytes.size() < kHead + length) break;
    packet(bytes.substr(kHead, length));
    bytes.remove_prefix(kHead + length);
  }
  kept_ = bytes;
  return {};
}

}  // namespace proconsul::wanfed
