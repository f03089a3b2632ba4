// Datagrams and serf messages from anybody: whatever arrives is refused or read, and nothing grows beyond its bound.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gossip/lzw.h"
#include "gossip/serf/coordinate.h"
#include "gossip/serf/message.h"
#include "gossip/swim/message.h"
#include "gossip/swim/packet.h"

namespace gossip = proconsul::gossip;
namespace serf = proconsul::gossip::serf;
namespace swim = proconsul::gossip::swim;

namespace {

template <class Message>
void read(std::string_view body) {
  (void)swim::decode<Message>(body);
}

void read_serf(std::string_view message) {
  if (message.empty()) return;
  const std::string_view body = message.substr(1);
  (void)serf::decode<serf::JoinIntent>(body);
  (void)serf::decode<serf::LeaveIntent>(body);
  (void)serf::decode<serf::PushPull>(body);
  (void)serf::decode<serf::UserEventMessage>(body);
  (void)serf::decode<serf::Query>(body);
  (void)serf::decode<serf::QueryResponse>(body);
  (void)serf::decode<serf::KeyRequest>(body);
  (void)serf::decode<serf::KeyResponse>(body);
  (void)serf::decode<serf::RelayHeader>(body);
  (void)serf::decode<serf::Coordinate>(body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  (void)serf::decode_tags(input);
  if (const auto plain = gossip::lzw_decompress(input, 1 << 16)) {
    if (gossip::lzw_decompress(gossip::lzw_compress(*plain), 1 << 16).value() != *plain) std::abort();
  }
  static const gossip::Keyring ring = [] {
    gossip::Keyring made;
    (void)made.add(std::string(32, 'k'));
    return made;
  }();
  swim::Wrapping sealed;
  sealed.keyring = &ring;
  sealed.verify_incoming = false;
  swim::Unwrapped unwrapped;
  (void)swim::unwrap_packet(input, sealed, unwrapped);
  if (!swim::unwrap_packet(input, swim::Wrapping{}, unwrapped)) return 0;
  for (const std::string_view message : unwrapped.messages) {
    const std::string_view body = message.substr(1);
    switch (static_cast<swim::MessageType>(message[0])) {
      case swim::MessageType::ping:
        read<swim::Ping>(body);
        break;
      case swim::MessageType::indirect_ping:
        read<swim::IndirectPing>(body);
        break;
      case swim::MessageType::ack:
        read<swim::Ack>(body);
        break;
      case swim::MessageType::suspect:
        read<swim::Suspect>(body);
        break;
      case swim::MessageType::alive:
        read<swim::Alive>(body);
        break;
      case swim::MessageType::dead:
        read<swim::Dead>(body);
        break;
      case swim::MessageType::push_pull:
        read<swim::PushPullHeader>(body);
        break;
      case swim::MessageType::user:
        read_serf(body);
        break;
      default:
        break;
    }
  }
  return 0;
}
