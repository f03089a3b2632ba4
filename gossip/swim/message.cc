#include "gossip/swim/message.h"

namespace proconsul::gossip::swim {
namespace {

template <class Message>
void describe_source(base::TypeBuilder<Message>& type) {
  type.field("SourceAddr", &Message::SourceAddr).wire_omit_empty();
  type.field("SourcePort", &Message::SourcePort).wire_omit_empty();
  type.field("SourceNode", &Message::SourceNode).wire_omit_empty();
}

}  // namespace

// The order is Go's: a peer may send a message as a list.
PROCONSUL_DESCRIBE_TYPE(Ping, "memberlist.ping") {
  type.field("SeqNo", &Ping::SeqNo);
  type.field("Node", &Ping::Node);
  describe_source(type);
}

PROCONSUL_DESCRIBE_TYPE(IndirectPing, "memberlist.indirectPingReq") {
  type.field("SeqNo", &IndirectPing::SeqNo);
  type.field("Target", &IndirectPing::Target);
  type.field("Port", &IndirectPing::Port);
  type.field("Node", &IndirectPing::Node);
  type.field("Nack", &IndirectPing::Nack);
  describe_source(type);
}

PROCONSUL_DESCRIBE_TYPE(Ack, "memberlist.ackResp") {
  type.field("SeqNo", &Ack::SeqNo);
  type.field("Payload", &Ack::Payload);
}

PROCONSUL_DESCRIBE_TYPE(Nack, "memberlist.nackResp") {
  type.field("SeqNo", &Nack::SeqNo);
}

PROCONSUL_DESCRIBE_TYPE(Suspect, "memberlist.suspect") {
  type.field("Incarnation", &Suspect::Incarnation);
  type.field("Node", &Suspect::Node);
  type.field("From", &Suspect::From);
}

PROCONSUL_DESCRIBE_TYPE(Alive, "memberlist.alive") {
  type.field("Incarnation", &Alive::Incarnation);
  type.field("Node", &Alive::Node);
  type.field("Addr", &Alive::Addr);
  type.field("Port", &Alive::Port);
  type.field("Meta", &Alive::Meta);
  type.field("Vsn", &Alive::Vsn);
}

PROCONSUL_DESCRIBE_TYPE(Dead, "memberlist.dead") {
  type.field("Incarnation", &Dead::Incarnation);
  type.field("Node", &Dead::Node);
  type.field("From", &Dead::From);
}

PROCONSUL_DESCRIBE_TYPE(Compress, "memberlist.compress") {
  type.field("Algo", &Compress::Algo);
  type.field("Buf", &Compress::Buf);
}

PROCONSUL_DESCRIBE_TYPE(ErrorMessage, "memberlist.errResp") {
  type.field("Error", &ErrorMessage::Error);
}

PROCONSUL_DESCRIBE_TYPE(PushPullHeader, "memberlist.pushPullHeader") {
  type.field("Nodes", &PushPullHeader::Nodes);
  type.field("UserStateLen", &PushPullHeader::UserStateLen);
  type.field("Join", &PushPullHeader::Join);
}

PROCONSUL_DESCRIBE_TYPE(PushNodeState, "memberlist.pushNodeState") {
  type.field("Name", &PushNodeState::Name);
  type.field("Addr", &PushNodeState::Addr);
  type.field("Port", &PushNodeState::Port);
  type.field("Meta", &PushNodeState::Meta);
  type.field("Incarnation", &PushNodeState::Incarnation);
  type.field("State", &PushNodeState::State);
  type.field("Vsn", &PushNodeState::Vsn);
}

PROCONSUL_DESCRIBE_TYPE(UserMessageHeader, "memberlist.userMsgHeader") {
  type.field("UserMsgLen", &UserMessageHeader::UserMsgLen);
}

}  // namespace proconsul::gossip::swim
