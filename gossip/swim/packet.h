// A datagram's layers, outside to inside: label, encryption, CRC, compression, compound, message (gossip.md A2).
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "gossip/keyring.h"

namespace proconsul::gossip::swim {

/// How this pool dresses its packets and streams.
struct Wrapping {
  const Keyring* keyring = nullptr;  // null or empty: plaintext
  std::string label{};
  bool verify_incoming = true;  // plaintext is refused while there is a keyring
  bool verify_outgoing = true;  // false: plaintext is sent although there is one
  bool compress = true;
  std::size_t packet_size = 1400;  // bytes

  bool encrypts() const { return keyring != nullptr && !keyring->empty() && verify_outgoing; }
  bool decrypts() const { return keyring != nullptr && !keyring->empty(); }
};

/// Bytes that messages may fill in a packet: what label and seal leave of it.
std::size_t packet_room(const Wrapping& wrapping);

/// What a compound takes beside its parts, and for each of them.
inline constexpr std::size_t kCompoundHeader = 2;
inline constexpr std::size_t kCompoundPart = 2;
inline constexpr std::size_t kMostParts = 255;

/// One message, or a compound of several (at most kMostParts), without further layers.
std::string join(const std::vector<std::string>& messages);

/// The datagram. `crc`: the receiver is known to understand checksums.
std::string wrap_packet(std::string message, const Wrapping& wrapping, bool crc, base::Random& random);

/// A datagram taken apart; to be used again for the next one.
struct Unwrapped {
  /// In order, each with its type byte first; they point into the datagram and into `buffers`.
  std::vector<std::string_view> messages{};
  int cut_off = 0;        // parts of a compound that the datagram's end cut off
  std::string skipped{};  // why parts of a compound were skipped; empty: none was
  std::deque<std::string> buffers{};
};

/// A compound that was cut gives what is whole, one with a wrong part the others. Errors say what is wrong; nothing of
/// such a packet counts.
base::Result<> unwrap_packet(std::string_view packet, const Wrapping& wrapping, Unwrapped& out);

}  // namespace proconsul::gossip::swim
