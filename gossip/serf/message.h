// The messages of serf (gossip.md B1). On the wire each is its type and a msgpack map, inside a user message of
// memberlist.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/msgpack.h"
#include "base/result.h"
#include "base/time.h"
#include "base/type.h"
#include "base/type_of.h"

namespace proconsul::gossip::serf {

enum class MessageType : std::uint8_t {
  leave = 0,
  join = 1,
  push_pull = 2,
  user_event = 3,
  query = 4,
  query_response = 5,
  conflict_response = 6,
  key_request = 7,
  key_response = 8,
  relay = 9,
};

/// A Lamport clock's value: orders what happened without any clock of the day.
using LamportTime = std::uint64_t;

struct JoinIntent {
  LamportTime LTime{};
  std::string Node{};
};
PROCONSUL_DECLARE_TYPE(JoinIntent)

struct LeaveIntent {
  LamportTime LTime{};
  std::string Node{};
  bool Prune{};  // also erase it from the list of members
};
PROCONSUL_DECLARE_TYPE(LeaveIntent)

struct UserEvent {
  std::string Name{};
  base::Bytes Payload{};
};
PROCONSUL_DECLARE_TYPE(UserEvent)

/// All events of one time.
struct UserEvents {
  LamportTime LTime{};
  base::List<UserEvent> Events{};
};
PROCONSUL_DECLARE_TYPE(UserEvents)

struct PushPull {
  LamportTime LTime{};
  base::Map<LamportTime> StatusLTimes{};  // by member
  base::List<std::string> LeftMembers{};
  LamportTime EventLTime{};
  base::List<base::Pointer<UserEvents>> Events{};  // the buffer: slot LTime % size, or nil
  LamportTime QueryLTime{};
};
PROCONSUL_DECLARE_TYPE(PushPull)

struct UserEventMessage {
  LamportTime LTime{};
  std::string Name{};
  base::Bytes Payload{};
  bool CC{};  // may be coalesced
};
PROCONSUL_DECLARE_TYPE(UserEventMessage)

inline constexpr std::uint32_t kQueryAck = 1;          // wants an acknowledgement; in a response: is one
inline constexpr std::uint32_t kQueryNoBroadcast = 2;  // goes to whom it was sent, and no further

struct Query {
  LamportTime LTime{};
  std::uint32_t ID{};
  base::Bytes Addr{};  // where answers go
  std::uint16_t Port{};
  std::string SourceNode{};
  base::List<base::Bytes> Filters{};  // see Filter; all must match
  std::uint32_t Flags{};
  std::uint8_t RelayFactor{};
  base::Duration Timeout{};
  std::string Name{};
  base::Bytes Payload{};
};
PROCONSUL_DECLARE_TYPE(Query)

struct QueryResponse {
  LamportTime LTime{};
  std::uint32_t ID{};
  std::string From{};
  std::uint32_t Flags{};
  base::Bytes Payload{};
};
PROCONSUL_DECLARE_TYPE(QueryResponse)

enum class FilterType : std::uint8_t { node = 0, tag = 1 };

/// Members whose tag matches.
struct TagFilter {
  std::string Tag{};
  std::string Expr{};  // a regular expression
};
PROCONSUL_DECLARE_TYPE(TagFilter)

/// Of the internal queries that manage keys.
struct KeyRequest {
  base::Bytes Key{};
};
PROCONSUL_DECLARE_TYPE(KeyRequest)
struct KeyResponse {
  bool Result{};
  std::string Message{};
  base::List<std::string> Keys{};  // base64, the primary one first
  std::string PrimaryKey{};
};
PROCONSUL_DECLARE_TYPE(KeyResponse)

enum class MemberStatus : base::Int { none = 0, alive = 1, leaving = 2, left = 3, failed = 4 };
/// "none", "alive", "leaving", "left", "failed".
std::string_view to_string(MemberStatus status);

/// A member of the pool; as such also the answer to a conflict.
struct Member {
  std::string Name{};
  base::Bytes Addr{};
  std::uint16_t Port{};
  base::Map<std::string> Tags{};
  MemberStatus Status{};
  std::uint8_t ProtocolMin{}, ProtocolMax{}, ProtocolCur{};
  std::uint8_t DelegateMin{}, DelegateMax{}, DelegateCur{};
};
PROCONSUL_DECLARE_TYPE(Member)

/// Precedes the message that is to be passed on.
struct RelayAddress {
  base::Bytes IP{};
  base::Int Port{};
  std::string Zone{};
};
PROCONSUL_DECLARE_TYPE(RelayAddress)
struct RelayHeader {
  RelayAddress DestAddr{};
  std::string DestName{};
};
PROCONSUL_DECLARE_TYPE(RelayHeader)

/// Type byte and body.
template <class Message>
std::string encode(MessageType type, const Message& message) {
  std::string out(1, static_cast<char>(type));
  base::append_msgpack(out, message, base::MsgpackHandle::plain);
  return out;
}
template <class Message>
base::Result<Message> decode(std::string_view body) {
  return base::from_msgpack<Message>(body, base::MsgpackHandle::plain);
}

/// A member's tags as the metadata of memberlist: a mark and a msgpack map. Older members have only a role there.
std::string encode_tags(const base::Map<std::string>& tags);
base::Map<std::string> decode_tags(std::string_view metadata);

}  // namespace proconsul::gossip::serf
