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

Result<> split(std::string_view message, std::vector<std::string>& out, std::size_t& room, int depth);

Result<> split_compound(std::string_view body, std::vector<std::string>& out, std::size_t& room, int depth) {
  if (body.empty()) return {Errc::invalid_argument, "missing compound length byte"};
  const std::size_t count = static_cast<unsigned char>(body[0]);
  if (body.size() < 1 + 2 * count) return {Errc::invalid_argument, "truncated len slice"};
  std::string_view parts = body.substr(1 + 2 * count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t size = u16_at(body, 1 + 2 * i);
    if (size > parts.size()) break;                            // the packet was cut: what came whole counts
    (void)split(parts.substr(0, size), out, room, depth + 1);  // a part that is wrong does not spoil the others
    parts.remove_prefix(size);
  }
  return {};
}

Result<> split(std::string_view message, std::vector<std::string>& out, std::size_t& room, int depth) {
  if (message.empty()) return {Errc::invalid_argument, "missing message type byte"};
  if (depth > kMostLayers) return {Errc::invalid_argument, "too many layers"};
  if (message.size() > room) return {Errc::too_large, "packet unpacks to more than it may"};
  const std::string_view body = message.substr(1);
  switch (static_cast<MessageType>(message[0])) {
    case MessageType::compound:
      return split_compound(body, out, room, depth);
    case MessageType::compress: {
      const Result<std::string> plain = decompressed(body, room);
      if (!plain) return plain.error();
      room -= plain->size();
      return split(*plain, out, room, depth + 1);
    }
    default:
      out.emplace_back(message);
      return {};
  }
}

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

Result<std::vector<std::string>> unwrap_packet(std::string_view packet, const Wrapping& wrapping) {
  const Result<std::string> label = take_label(packet);
  if (!label) return label.error();
  if (*label != wrapping.label) return {Errc::permission_denied, "discarding packet with unacceptable label"};
  std::string plain;
  if (wrapping.decrypts()) {
    Result<std::string> opened = wrapping.keyring->open(packet, wrapping.label);
    if (opened) {
      plain = std::move(*opened);
      packet = plain;
    } else if (wrapping.verify_incoming) {
      return opened.error();
    }
  }
  constexpr std::size_t kCrcHeader = 5;
  if (packet.size() >= kCrcHeader && static_cast<MessageType>(packet[0]) == MessageType::has_crc) {
    const auto wanted = static_cast<std::uint32_t>(u16_at(packet, 1) << 16 | u16_at(packet, 3));
    packet.remove_prefix(kCrcHeader);
    if (crc_of(packet) != wanted) return {Errc::corrupt, "Got invalid checksum for UDP packet"};
  }
  std::vector<std::string> messages;
  std::size_t room = kMostPlain;
  if (Result<> parts = split(packet, messages, room, 0); !parts) return parts.error();
  return messages;
}

}  // namespace proconsul::gossip::swim
