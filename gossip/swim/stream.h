// What travels on a stream: one message per direction, in the layers label, seal, compression (gossip.md A4, A5).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "gossip/swim/message.h"
#include "gossip/swim/packet.h"

namespace proconsul::gossip::swim {

/// Of a message on a stream, as it travels and taken out of its layers.
inline constexpr std::size_t kMostStreamBytes = std::size_t{20} << 20;

/// Where a msgpack value ends, although not all of it has come yet. Looks at each byte once.
class MsgpackExtent {
 public:
  /// `bytes` begins with the value and has grown since the last call. True once all of the value is in it.
  base::Result<bool> reach(std::string_view bytes);
  std::size_t end() const { return position_; }

 private:
  std::size_t position_ = 0;
  std::uint64_t values_ = 1;  // that are still to come
};

/// Puts a stream's bytes together until the message is whole.
class StreamReader {
 public:
  /// `accepted`: the other side opened the stream, and says its label first. `wrapping` outlives the reader.
  StreamReader(const Wrapping& wrapping, bool accepted)
      : wrapping_(&wrapping), stage_(accepted ? Stage::label : Stage::type) {}
  StreamReader(Wrapping&& gone, bool accepted) = delete;

  /// True once message() is whole; what comes after it is ignored. After an error the stream is of no use.
  base::Result<bool> take(std::string_view bytes);
  /// Its type byte first.
  std::string_view message() const { return plain_.empty() ? std::string_view(in_).substr(0, end_) : plain_; }
  /// Whether the other side is to be told of an error: not if its label is not ours.
  bool told() const { return stage_ != Stage::label; }
  std::size_t received() const { return in_.size(); }

 private:
  enum class Stage : std::uint8_t { label, type, sealed, compressed, header, nodes, tail, whole };
  base::Result<bool> take_label();
  base::Result<bool> take_type();
  base::Result<bool> take_sealed();
  base::Result<bool> take_compressed();
  base::Result<bool> take_header();
  base::Result<bool> take_nodes();
  base::Result<> unpack(std::string plain);

  const Wrapping* wrapping_;
  Stage stage_;
  std::string in_{};     // without label
  std::string plain_{};  // taken out of its layers
  std::size_t end_ = 0;  // of what is whole in in_
  MsgpackExtent extent_{};
  std::int64_t nodes_ = 0;
  std::size_t tail_ = 0;
};

/// A message ready to be sent; `labelled` on streams that this side opened.
base::Result<std::string> wrap_stream(std::string message, const Wrapping& wrapping, bool labelled,
                                      base::Random& random);

}  // namespace proconsul::gossip::swim
