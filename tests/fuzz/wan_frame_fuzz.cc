// Gossip packets on a stream through mesh gateways: however it is cut, the same packets come of it, and nothing comes
// after one that is too long.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wanfed/frames.h"

namespace {

using namespace proconsul::wanfed;

struct Read {
  std::vector<std::string> packets{};
  bool refused = false;
  friend bool operator==(const Read&, const Read&) = default;
};

Read read(std::string_view stream, std::size_t piece) {
  Read out;
  FrameReader reader;
  while (!stream.empty() && !out.refused) {
    const std::string_view now = stream.substr(0, piece);
    stream.remove_prefix(now.size());
    const auto keep = [&](std::string_view packet) {
      if (packet.size() > kMostPacketBytes) __builtin_trap();
      out.packets.emplace_back(packet);
    };
    out.refused = !reader.take(now, keep);
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Read whole = read(stream, stream.size());
  if (read(stream, 1U + data[0]) != whole) __builtin_trap();
  std::string again;
  for (const std::string& packet : whole.packets) again += frame(packet);
  if (!stream.starts_with(again)) __builtin_trap();
  return 0;
}
