#include "gossip/swim/packet.h"

#include <zlib.h>

#include <cstdint>
#include <utility>

#include "gossip/swim/layers.h"
#include "gossip/swim/message.h"

namespace proconsul::gossip::swim {
namespace {

using base::Errc;
using base::Result;

// What a datagram may grow to when it is unpacked, and how many layers may lie within each other. Go's own packets have
// one of each kind.
constexpr std::size_t kMostPlain = std::size_t{1} << 20;
constexpr int kMostLayers = 8;

std::uint32_t crc_of(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32(0, reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<unsigned>(bytes.size())));
}

void append_u16(std::string& out, std::size_t value) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value & 0xff));
}

std::size_t u16_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at])) << 8 |
         static_cast<unsigned char>(bytes[at + 1]);
}

class Splitter {
 public:
  explicit Splitter(Unwrapped& out) : out_(out) {}

  Result<> split(std::string_view message, int depth) {
    if (message.empty()) return {Errc::invalid_argument, "missing message type byte"};
    if (depth > kMostLayers) return {Errc::invalid_argument, "too many layers"};
    const std::string_view body = message.substr(1);
    switch (static_cast<MessageType>(message[0])) {
      case MessageType::compound:
        return split_compound(body, depth);
      case MessageType::compress: {
        Result<std::string> plain = decompressed(body, room_);
        if (!plain) return {plain.error().code, "Failed to decompress payload: " + plain.error().detail};
        room_ -= plain->size();
        return split(out_.buffers.emplace_back(std::move(*plain)), depth + 1);
      }
      default:
        out_.messages.push_back(message);
        return {};
    }
  }

 private:
  Result<> split_compound(std::string_view body, int depth) {
    if (body.empty())
      return {Errc::invalid_argument, "Failed to decode compound request: missing compound length byte"};
    const std::size_t count = static_cast<unsigned char>(body[0]);
    if (body.size() < 1 + 2 * count) {
      return {Errc::invalid_argument, "Failed to decode compound request: truncated len slice"};
    }
    std::string_view parts = body.substr(1 + 2 * count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t size = u16_at(body, 1 + 2 * i);
      if (size > parts.size()) {  // the packet was cut: what came whole counts
        out_.cut_off += static_cast<int>(count - i);
        break;
      }
      // A part that is wrong does not spoil the others.
      if (Result<> part = split(parts.substr(0, size), depth + 1); !part) out_.skipped = std::move(part.error().detail);
      parts.remove_prefix(size);
    }
    return {};
  }

  Unwrapped& out_;
  std::size_t room_ = kMostPlain;
};

}  // namespace

std::size_t packet_room(const Wrapping& wrapping) {
  std::size_t taken = label_header(wrapping.label).size();
  if (wrapping.encrypts()) taken += kSealOverhead;
  return wrapping.packet_size > taken ? wrapping.packet_size - taken : 0;
}

std::string join(const std::vector<std::string>& messages) {
  if (messages.size() == 1) return messages.front();
  std::string out(1, static_cast<char>(MessageType::compound));
  out.push_back(static_cast<char>(messages.size()));
  for (const std::string& message : messages) append_u16(out, message.size());
  for (const std::string& message : messages) out += message;
  return out;
}

std::string wrap_packet(std::string message, const Wrapping& wrapping, bool crc, base::Random& random) {
  if (wrapping.compress) {
    if (std::string shorter = compressed(message); shorter.size() < message.size()) message = std::move(shorter);
  }
  if (crc) {
    const std::uint32_t sum = crc_of(message);
    std::string summed(1, static_cast<char>(MessageType::has_crc));
    append_u16(summed, sum >> 16);
    append_u16(summed, sum & 0xffff);
    message = summed + message;
  }
  if (wrapping.encrypts()) message = wrapping.keyring->seal(message, wrapping.label, random);
  return wrapping.label.empty() ? message : label_header(wrapping.label) + message;
}

Result<> unwrap_packet(std::string_view packet, const Wrapping& wrapping, Unwrapped& out) {
  out.messages.clear();
  out.buffers.clear();
  out.cut_off = 0;
  out.skipped.clear();
  const Result<std::string> label = take_label(packet);
  if (!label) return label.error();
  if (*label != wrapping.label) return {Errc::permission_denied, "discarding packet with unacceptable label"};
  if (wrapping.decrypts()) {
    Result<std::string> opened = wrapping.keyring->open(packet, wrapping.label);
    if (opened) {
      packet = out.buffers.emplace_back(std::move(*opened));
    } else if (wrapping.verify_incoming) {
      return {opened.error().code, "Decrypt packet failed: " + opened.error().detail};
    }
  }
  constexpr std::size_t kCrcHeader = 5;
  if (packet.size() >= kCrcHeader && static_cast<MessageType>(packet[0]) == MessageType::has_crc) {
    const auto wanted = static_cast<std::uint32_t>(u16_at(packet, 1) << 16 | u16_at(packet, 3));
    packet.remove_prefix(kCrcHeader);
    if (crc_of(packet) != wanted) return {Errc::corrupt, "Got invalid checksum for UDP packet"};
  }
  return Splitter(out).split(packet, 0);
}

}  // namespace proconsul::gossip::swim
