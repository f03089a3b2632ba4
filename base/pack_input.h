// Reading what pack() made (pack.h), byte by byte. The bytes are trusted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace proconsul::base {

struct PackInput {
  std::string_view left;
  bool empty() const { return left.empty(); }
  /// Seven bits a byte, the lowest first.
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (int shift = 0; !left.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(left.front());
      left.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return value;
  }
  std::string_view take(std::size_t size) {
    const std::string_view taken = left.substr(0, size);
    left.remove_prefix(taken.size());
    return taken;
  }
  std::string_view text() { return take(number()); }
};

}  // namespace proconsul::base
