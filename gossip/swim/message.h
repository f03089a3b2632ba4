// The messages of memberlist (gossip.md A1). Member names are the wire's; a message's bytes are its type and, but for
// the binary ones, a msgpack map.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/msgpack.h"
#include "base/result.h"
#include "base/type.h"
#include "base/type_of.h"

namespace proconsul::gossip::swim {

enum class MessageType : std::uint8_t {
  ping = 0,
  indirect_ping = 1,
  ack = 2,
  suspect = 3,
  alive = 4,
  dead = 5,
  push_pull = 6,  // streams only
  compound = 7,
  user = 8,
  compress = 9,
  encrypt = 10,  // streams only
  nack = 11,
  has_crc = 12,
  error = 13,  // streams only
  label = 244,
};

/// Addresses travel as the 4 or 16 bytes of an IP.
using RawAddress = base::Bytes;

/// Who asks, so that the answer finds the way even from behind another socket.
struct Source {
  RawAddress SourceAddr{};
  std::uint16_t SourcePort{};
  std::string SourceNode{};
};

struct Ping : Source {
  std::uint32_t SeqNo{};
  std::string Node{};  // the name that is meant: somebody else at this address must not answer
};
PROCONSUL_DECLARE_TYPE(Ping)

struct IndirectPing : Source {
  std::uint32_t SeqNo{};
  RawAddress Target{};
  std::uint16_t Port{};
  std::string Node{};
  bool Nack{};  // whether the asker understands nacks
};
PROCONSUL_DECLARE_TYPE(IndirectPing)

struct Ack {
  std::uint32_t SeqNo{};
  base::Bytes Payload{};
};
PROCONSUL_DECLARE_TYPE(Ack)

struct Nack {
  std::uint32_t SeqNo{};
};
PROCONSUL_DECLARE_TYPE(Nack)

struct Suspect {
  std::uint32_t Incarnation{};
  std::string Node{};
  std::string From{};
};
PROCONSUL_DECLARE_TYPE(Suspect)

struct Alive {
  std::uint32_t Incarnation{};
  std::string Node{};
  RawAddress Addr{};
  std::uint16_t Port{};
  base::Bytes Meta{};
  base::Bytes Vsn{};  // protocol min, max, current; the same of the layer above
};
PROCONSUL_DECLARE_TYPE(Alive)

struct Dead {
  std::uint32_t Incarnation{};
  std::string Node{};
  std::string From{};  // Node itself: it left
};
PROCONSUL_DECLARE_TYPE(Dead)

struct Compress {
  std::uint8_t Algo{};  // 0: LZW
  base::Bytes Buf{};
};
PROCONSUL_DECLARE_TYPE(Compress)

struct ErrorMessage {
  std::string Error{};
};
PROCONSUL_DECLARE_TYPE(ErrorMessage)

/// What precedes a state exchange on a stream; that many PushNodeState and bytes follow.
struct PushPullHeader {
  base::Int Nodes{};
  base::Int UserStateLen{};
  bool Join{};
};
PROCONSUL_DECLARE_TYPE(PushPullHeader)

enum class NodeState : std::uint8_t { alive = 0, suspect = 1, dead = 2, left = 3 };

struct PushNodeState {
  std::string Name{};
  RawAddress Addr{};
  std::uint16_t Port{};
  base::Bytes Meta{};
  std::uint32_t Incarnation{};
  base::Int State{};  // a NodeState
  base::Bytes Vsn{};
};
PROCONSUL_DECLARE_TYPE(PushNodeState)

/// What precedes a user message on a stream.
struct UserMessageHeader {
  base::Int UserMsgLen{};
};
PROCONSUL_DECLARE_TYPE(UserMessageHeader)

/// Type byte and body.
template <class Message>
std::string encode(MessageType type, const Message& message) {
  std::string out(1, static_cast<char>(type));
  base::append_msgpack(out, message, base::MsgpackHandle::plain);
  return out;
}
/// The body behind the type byte.
template <class Message>
base::Result<Message> decode(std::string_view body) {
  return base::from_msgpack<Message>(body, base::MsgpackHandle::plain);
}

}  // namespace proconsul::gossip::swim
