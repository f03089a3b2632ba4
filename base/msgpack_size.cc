

#include "base/msgpack_size.h"

#include <cstdint>

namespace proconsul::base {

Result<std::size_t> msgpack_size(std::string_view stream, std::size_t max_bytes) {
  MsgpackPlace beginning;
  return msgpack_size(stream, max_bytes, beginning);
}

Result<std::size_t> msgpack_size(std::string_view stream, std::size_t max_bytes, MsgpackPlace& place) {
  std::size_t at = place.at;
  if (at > stream.size()) return std::size_t{0};
  const auto big_endian = [&](std::size_t bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<std::uint8_t>(stream[at + 1 + i]);
    return value;
  };
  // Values still to come, without a stack: a container only adds to them.
  for (std::uint64_t left = place.left; left > 0; --left) {
    place = {.at = at, .left = left};
    if (at >= stream.size()) return at >= max_bytes ? Result<std::size_t>(Errc::too_large, "message is too large") : 0;
    const auto d = static_cast<std::uint8_t>(stream[at]);
    std::size_t width = 0;  // of the length or number after the descriptor
    std::uint64_t payload = 0;
    enum class Shape : std::uint8_t { scalar, text, extension, array, map } shape = Shape::scalar;
    if (d <= 0x7f || d >= 0xe0) {
    } else if (d <= 0x8f) {
      left += 2 * (d & 0x0fu);
    } else if (d <= 0x9f) {
      left += d & 0x0fu;
    } else if (d <= 0xbf) {
      payload = d & 0x1fu;
    } else if (d == 0xc1) {
      return {Errc::invalid_argument, "not a msgpack value"};
    } else if (d >= 0xc4 && d <= 0xc6) {
      shape = Shape::text, width = std::size_t{1} << (d - 0xc4);
    } else if (d >= 0xc7 && d <= 0xc9) {
      shape = Shape::extension, width = std::size_t{1} << (d - 0xc7);
    } else if (d == 0xca || d == 0xcb) {
      payload = d == 0xca ? 4 : 8;
    } else if (d >= 0xcc && d <= 0xcf) {
      payload = std::uint64_t{1} << (d - 0xcc);
    } else if (d >= 0xd0 && d <= 0xd3) {
      payload = std::uint64_t{1} << (d - 0xd0);
    } else if (d >= 0xd4 && d <= 0xd8) {
      payload = 1 + (std::uint64_t{1} << (d - 0xd4));
    } else if (d >= 0xd9 && d <= 0xdb) {
      shape = Shape::text, width = std::size_t{1} << (d - 0xd9);
    } else if (d >= 0xdc && d <= 0xdd) {
      shape = Shape::array, width = d == 0xdc ? 2 : 4;
    } else if (d >= 0xde) {
      shape = Shape::map, width = d == 0xde ? 2 : 4;
    }
    if (width > 0) {
      if (stream.size() - at <= width) return std::size_t{0};
      const std::uint64_t length = big_endian(width);
      if (shape == Shape::text) payload = length;
      if (shape == Shape::extension) payload = length + 1;
      if (shape == Shape::array) left += length;
      if (shape == Shape::map) left += 2 * length;
    }
    // Each value that is still to come takes a byte at least.
    if (at + 1 + width + payload + (left - 1) > max_bytes) return {Errc::too_large, "message is too large"};
    at += 1 + width + payload;
    if (at > stream.size()) {
      place = {.at = at, .left = left - 1};
      return std::size_t{0};
    }
  }
  return at;
}

}  // namespace proconsul::base
