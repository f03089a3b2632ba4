// Streams of bytes that are too many to hold: snapshots on their way from and to disk, network and FSM.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/result.h"

namespace proconsul::raft {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Up to buffer.size() bytes; 0 only at the end. A source with a checksum gives Errc::corrupt in place of that last
  /// 0: whoever reads must not act on the bytes before it has seen the end.
  virtual base::Result<std::size_t> read(std::span<char> buffer) = 0;
};

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual base::Result<> write(std::string_view bytes) = 0;
};

}  // namespace proconsul::raft
