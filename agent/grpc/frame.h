// gRPC's frame around each message: a byte that says whether it is compressed, and four of its length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace proconsul::agent::grpc {

inline constexpr std::size_t kFrameHead = 5;

/// Appends the frame of what `body()` appends.
template <class Body>
void append_frame(std::string& out, Body body) {
  const std::size_t begin = out.size();
  out.append(kFrameHead, '\0');
  body();
  const std::size_t size = out.size() - begin - kFrameHead;
  for (std::size_t i = 0; i < 4; ++i) out[begin + 1 + i] = static_cast<char>(size >> (24 - 8 * i));
}

/// The length that a frame's head (kFrameHead bytes) tells.
inline std::size_t frame_size(std::string_view head) {
  std::size_t size = 0;
  for (std::size_t i = 1; i < kFrameHead; ++i) size = size << 8 | static_cast<unsigned char>(head[i]);
  return size;
}

/// One or more messages in their frames; who sends the same to many shares it.
using Frames = std::shared_ptr<const std::string>;

}  // namespace proconsul::agent::grpc
