#include "gossip/swim/layers.h"

#include <utility>

#include "gossip/lzw.h"
#include "gossip/swim/message.h"

namespace proconsul::gossip::swim {

using base::Errc;
using base::Result;

std::string compressed(std::string_view message) {
  return encode(MessageType::compress, Compress{.Algo = 0, .Buf = base::Bytes(lzw_compress(message))});
}

Result<std::string> decompressed(std::string_view body, std::size_t limit) {
  const Result<Compress> read = decode<Compress>(body);
  if (!read) return read.error();
  if (read->Algo != 0) {
    return {Errc::invalid_argument, "Cannot decompress unknown algorithm " + std::to_string(read->Algo)};
  }
  return lzw_decompress(read->Buf, limit);
}

std::string label_header(std::string_view label) {
  if (label.empty()) return {};
  std::string header(1, static_cast<char>(MessageType::label));
  header.push_back(static_cast<char>(label.size()));
  header += label;
  return header;
}

Result<std::string> take_label(std::string_view& bytes) {
  if (bytes.empty() || static_cast<MessageType>(bytes[0]) != MessageType::label) return std::string();
  if (bytes.size() < 2) return {Errc::invalid_argument, "cannot decode label; packet has been truncated"};
  const std::size_t size = static_cast<unsigned char>(bytes[1]);
  if (size == 0) return {Errc::invalid_argument, "label header cannot be empty when present"};
  if (bytes.size() < 2 + size) return {Errc::invalid_argument, "cannot decode label; packet has been truncated"};
  std::string label(bytes.substr(2, size));
  bytes.remove_prefix(2 + size);
  return label;
}

}  // namespace proconsul::gossip::swim
