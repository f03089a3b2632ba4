#include "gossip/serf/message.h"

#include <utility>

namespace proconsul::gossip::serf {

// The order is Go's: a peer may send a message as a list.
PROCONSUL_DESCRIBE_TYPE(JoinIntent, "serf.messageJoin") {
  type.field("LTime", &JoinIntent::LTime);
  type.field("Node", &JoinIntent::Node);
}

PROCONSUL_DESCRIBE_TYPE(LeaveIntent, "serf.messageLeave") {
  type.field("LTime", &LeaveIntent::LTime);
  type.field("Node", &LeaveIntent::Node);
  type.field("Prune", &LeaveIntent::Prune);
}

PROCONSUL_DESCRIBE_TYPE(UserEvent, "serf.userEvent") {
  type.field("Name", &UserEvent::Name);
  type.field("Payload", &UserEvent::Payload);
}

PROCONSUL_DESCRIBE_TYPE(UserEvents, "serf.userEvents") {
  type.field("LTime", &UserEvents::LTime);
  type.field("Events", &UserEvents::Events);
}

PROCONSUL_DESCRIBE_TYPE(PushPull, "serf.messagePushPull") {
  type.field("LTime", &PushPull::LTime);
  type.field("StatusLTimes", &PushPull::StatusLTimes);
  type.field("LeftMembers", &PushPull::LeftMembers);
  type.field("EventLTime", &PushPull::EventLTime);
  type.field("Events", &PushPull::Events);
  type.field("QueryLTime", &PushPull::QueryLTime);
}

PROCONSUL_DESCRIBE_TYPE(UserEventMessage, "serf.messageUserEvent") {
  type.field("LTime", &UserEventMessage::LTime);
  type.field("Name", &UserEventMessage::Name);
  type.field("Payload", &UserEventMessage::Payload);
  type.field("CC", &UserEventMessage::CC);
}

PROCONSUL_DESCRIBE_TYPE(Query, "serf.messageQuery") {
  type.field("LTime", &Query::LTime);
  type.field("ID", &Query::ID);
  type.field("Addr", &Query::Addr);
  type.field("Port", &Query::Port);
  type.field("SourceNode", &Query::SourceNode);
  type.field("Filters", &Query::Filters);
  type.field("Flags", &Query::Flags);
  type.field("RelayFactor", &Query::RelayFactor);
  type.field("Timeout", &Query::Timeout);
  type.field("Name", &Query::Name);
  type.field("Payload", &Query::Payload);
}

PROCONSUL_DESCRIBE_TYPE(QueryResponse, "serf.messageQueryResponse") {
  type.field("LTime", &QueryResponse::LTime);
  type.field("ID", &QueryResponse::ID);
  type.field("From", &QueryResponse::From);
  type.field("Flags", &QueryResponse::Flags);
  type.field("Payload", &QueryResponse::Payload);
}

PROCONSUL_DESCRIBE_TYPE(TagFilter, "serf.filterTag") {
  type.field("Tag", &TagFilter::Tag);
  type.field("Expr", &TagFilter::Expr);
}

PROCONSUL_DESCRIBE_TYPE(KeyRequest, "serf.keyRequest") {
  type.field("Key", &KeyRequest::Key);
}

PROCONSUL_DESCRIBE_TYPE(KeyResponse, "serf.nodeKeyResponse") {
  type.field("Result", &KeyResponse::Result);
  type.field("Message", &KeyResponse::Message);
  type.field("Keys", &KeyResponse::Keys);
  type.field("PrimaryKey", &KeyResponse::PrimaryKey);
}

PROCONSUL_DESCRIBE_TYPE(Member, "serf.Member") {
  type.field("Name", &Member::Name);
  type.field("Addr", &Member::Addr);
  type.field("Port", &Member::Port);
  type.field("Tags", &Member::Tags);
  type.field("Status", &Member::Status);
  type.field("ProtocolMin", &Member::ProtocolMin);
  type.field("ProtocolMax", &Member::ProtocolMax);
  type.field("ProtocolCur", &Member::ProtocolCur);
  type.field("DelegateMin", &Member::DelegateMin);
  type.field("DelegateMax", &Member::DelegateMax);
  type.field("DelegateCur", &Member::DelegateCur);
}

PROCONSUL_DESCRIBE_TYPE(RelayAddress, "net.UDPAddr") {
  type.field("IP", &RelayAddress::IP);
  type.field("Port", &RelayAddress::Port);
  type.field("Zone", &RelayAddress::Zone);
}

PROCONSUL_DESCRIBE_TYPE(RelayHeader, "serf.relayHeader") {
  type.field("DestAddr", &RelayHeader::DestAddr);
  type.field("DestName", &RelayHeader::DestName);
}

std::string_view to_string(MemberStatus status) {
  switch (status) {
    case MemberStatus::none:
      return "none";
    case MemberStatus::alive:
      return "alive";
    case MemberStatus::leaving:
      return "leaving";
    case MemberStatus::left:
      return "left";
    case MemberStatus::failed:
      return "failed";
  }
  return "unknown";
}

namespace {
constexpr char kTagsMark = '\xff';
}  // namespace

std::string encode_tags(const base::Map<std::string>& tags) {
  std::string metadata(1, kTagsMark);
  base::MsgpackWriter writer(metadata, base::MsgpackHandle::plain);
  writer.map(tags.size());
  for (const auto& [name, value] : tags) {
    writer.string(name);
    writer.string(value);
  }
  return metadata;
}

base::Map<std::string> decode_tags(std::string_view metadata) {
  base::Map<std::string> tags;
  if (metadata.empty() || metadata[0] != kTagsMark) {
    tags.emplace("role", metadata);
    return tags;
  }
  base::MsgpackReader reader(metadata.substr(1), base::MsgpackHandle::plain);
  const std::size_t count = reader.map();
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    std::string name(reader.string());
    std::string value(reader.string());
    if (reader.ok()) tags.insert_or_assign(std::move(name), std::move(value));
  }
  return tags;
}

}  // namespace proconsul::gossip::serf
