// Datagrams: what is sent carries news along, what comes is taken apart and handed on.
#include <algorithm>
#include <utility>

#include "gossip/swim/core.h"

namespace proconsul::gossip::swim {

using base::Errc;
using base::MonotonicTime;
using base::Result;
using base::log::Level;

namespace {

constexpr std::uint8_t kProtocolWithChecksums = 5;

bool is_ip(std::string_view bytes) {
  return bytes.size() == 4 || bytes.size() == 16;
}

}  // namespace

void Core::send(const Address& to, std::string message, const Node* known) {
  const bool crc = known != nullptr && known->versions[1] >= kProtocolWithChecksums;
  effects_.packets.push_back({.to = to, .bytes = wrap_packet(std::move(message), config_.wrapping, crc, random_)});
}

void Core::send_with_broadcasts(const Address& to, std::string message) {
  const std::size_t room = packet_room(config_.wrapping);
  const std::size_t taken = message.size() + kCompoundHeader + kCompoundPart;
  std::vector<std::string> messages;
  if (room > taken) messages = take_broadcasts(room - taken, kMostParts - 1);
  messages.insert(messages.begin(), std::move(message));
  send(to, swim::join(messages), nullptr);
}

std::vector<std::string> Core::take_broadcasts(std::size_t limit, std::size_t most) {
  std::vector<std::string> messages = queue_.take(kCompoundPart, limit);
  std::size_t used = 0;
  for (const std::string& message : messages) used += message.size() + kCompoundPart;
  constexpr std::size_t kUserPart = kCompoundPart + 1;  // and its type byte
  if (limit > used + kUserPart) {
    for (const std::string& message : delegate_->broadcasts(kUserPart, limit - used)) {
      messages.emplace_back(1, static_cast<char>(MessageType::user)) += message;
    }
  }
  // Only messages of next to no bytes could be that many.
  if (messages.size() > most) messages.resize(most);
  return messages;
}

void Core::gossip() {
  const std::size_t room = packet_room(config_.wrapping);
  if (room <= kCompoundHeader) return;
  ++counts_.gossip_rounds;
  const auto hears = [&](const Member& member) {
    if (&member == self_ || member.state == NodeState::left) return false;
    return member.state != NodeState::dead || now_ - member.state_since <= config_.timing.gossip_to_the_dead_time;
  };
  auto chosen = pick(static_cast<std::size_t>(config_.timing.gossip_nodes), hears);
  // A message is sent a few times only: in a small pool those who are likely to be gone must not take them all.
  std::ranges::partition(chosen, [](const Member* member) { return member->state != NodeState::dead; });
  for (const Member* member : chosen) {
    const std::vector<std::string> messages = take_broadcasts(room - kCompoundHeader, kMostParts);
    if (messages.empty()) return;
    send(member->address, swim::join(messages), member);
  }
}

Result<> Core::send_user_message(const Address& to, const Node* known, std::string_view message) {
  if (!is_ip(to.ip)) return {Errc::invalid_argument, "no IP address"};
  if (message.size() > kMostUserPacket) {
    return {Errc::too_large, "a user message of " + std::to_string(message.size()) + " bytes does not fit a datagram"};
  }
  std::string bytes(1, static_cast<char>(MessageType::user));
  send(to, bytes += message, known);
  return {};
}

void Core::packet(MonotonicTime now, const Address& from, std::string_view datagram) {
  now_ = now;
  // In use while a message is handled, which may be long: the layer above may answer from within, never feed packets.
  if (Result<> read = unwrap_packet(datagram, config_.wrapping, unwrapped_); !read) {
    ++counts_.packets_refused;
    refuse(Level::error, from, read.error().detail, "");
    return;
  }
  if (unwrapped_.cut_off > 0) {
    refuse(Level::warn, from, "Compound request had truncated messages: ", std::to_string(unwrapped_.cut_off));
  }
  if (!unwrapped_.skipped.empty()) {
    ++counts_.packets_refused;
    refuse(Level::error, from, "Compound request had a wrong message: ", unwrapped_.skipped);
  }
  for (const std::string_view message : unwrapped_.messages) handle(message, from);
}

template <class Message>
std::optional<Message> Core::read(std::string_view body, std::string_view name, const Address& from) {
  Result<Message> message = decode<Message>(body);
  if (message) return std::move(*message);
  ++counts_.packets_refused;
  // Sealed bytes begin with 0 or 1, as pings do.
  const bool sealed = !config_.wrapping.decrypts() && (name == "ping request" || name == "indirect ping request");
  refuse(Level::error, from, "Failed to decode ",
         std::string(name) + ": " + message.error().detail +
             (sealed ? " (encrypted by the sender? encryption is not configured here)" : ""));
  return std::nullopt;
}

void Core::handle(std::string_view message, const Address& from) {
  const std::string_view body = message.substr(1);
  switch (static_cast<MessageType>(message[0])) {
    case MessageType::ping:
      if (const auto ping = read<Ping>(body, "ping request", from)) handle_ping(*ping, from);
      break;
    case MessageType::indirect_ping:
      if (const auto ping = read<IndirectPing>(body, "indirect ping request", from)) handle_indirect_ping(*ping, from);
      break;
    case MessageType::ack:
      if (const auto ack = read<Ack>(body, "ack response", from)) handle_ack(ack->SeqNo, ack->Payload);
      break;
    case MessageType::nack:
      if (const auto nack = read<Nack>(body, "nack response", from)) handle_nack(nack->SeqNo);
      break;
    case MessageType::suspect:
      if (const auto said = read<Suspect>(body, "suspect message", from)) suspect(*said);
      break;
    case MessageType::alive:
      if (auto said = read<Alive>(body, "alive message", from)) {
        if (said->Port == 0) said->Port = config_.bind_port;
        alive(std::move(*said), false);
      }
      break;
    case MessageType::dead:
      if (const auto said = read<Dead>(body, "dead message", from)) dead(*said);
      break;
    case MessageType::user:
      delegate_->user_message(body);
      break;
    default:
      ++counts_.packets_refused;
      refuse(Level::error, from,
             "msg type not supported: ", std::to_string(static_cast<unsigned>(static_cast<unsigned char>(message[0]))));
  }
}

Source Core::source() const {
  return {.SourceAddr = RawAddress(config_.address.ip), .SourcePort = config_.address.port, .SourceNode = config_.name};
}

template <class Message>
Address Core::answer_address(const Message& message, const Address& from) const {
  if (is_ip(message.SourceAddr) && message.SourcePort > 0) {
    return address(message.SourceAddr, message.SourcePort, message.SourceNode);
  }
  return address(from.ip, from.port, message.SourceNode);
}

void Core::handle_ping(const Ping& ping, const Address& from) {
  if (!ping.Node.empty() && ping.Node != config_.name) {
    refuse(Level::warn, from, "Got ping for unexpected node ", "'" + ping.Node + "'");
    return;
  }
  Ack ack{.SeqNo = ping.SeqNo};
  if (std::string payload = delegate_->ack_payload(); !payload.empty()) ack.Payload = base::Bytes(std::move(payload));
  send_with_broadcasts(answer_address(ping, from), MessageType::ack, ack);
}

void Core::handle_indirect_ping(const IndirectPing& ping, const Address& from) {
  if (!is_ip(ping.Target)) {
    ++counts_.packets_refused;
    refuse(Level::error, from, "indirect ping to what is no IP address", "");
    return;
  }
  if (relays_.size() >= kMostRelays) {
    refuse(Level::warn, from, "too many indirect pings under way, dropping one", "");
    return;
  }
  const std::uint32_t sequence = ++sequence_;
  relays_[sequence] = {.asker = answer_address(ping, from), .sequence = ping.SeqNo, .nack = ping.Nack};
  arm(now_ + config_.timing.probe_timeout, Due::relay, sequence);
  Ping own;
  static_cast<Source&>(own) = source();
  own.SeqNo = sequence;
  own.Node = ping.Node;
  send_with_broadcasts(address(ping.Target, ping.Port == 0 ? config_.bind_port : ping.Port, ping.Node),
                       MessageType::ping, own);
}

void Core::relay_over(std::uint32_t sequence) {
  const auto found = relays_.find(sequence);
  if (found == relays_.end()) return;
  const Relay relay = std::move(found->second);
  relays_.erase(found);
  if (relay.nack) send_with_broadcasts(relay.asker, MessageType::nack, Nack{.SeqNo = relay.sequence});
}

void Core::handle_ack(std::uint32_t sequence, std::string_view payload) {
  if (probe_ && probe_->sequence == sequence) {
    acknowledged(payload);
  } else if (const auto found = relays_.find(sequence); found != relays_.end()) {
    const Relay relay = std::move(found->second);
    relays_.erase(found);
    send_with_broadcasts(relay.asker, MessageType::ack, Ack{.SeqNo = relay.sequence});
  } else {
    ++counts_.late_acks;
  }
}

void Core::handle_nack(std::uint32_t sequence) {
  if (probe_ && probe_->sequence == sequence && probe_->nacks < probe_->expected_nacks) ++probe_->nacks;
}

}  // namespace proconsul::gossip::swim
