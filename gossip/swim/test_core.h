// For tests: a layer above that writes down what it is told, and cores whose streams are connected by hand.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gossip/swim/core.h"

namespace proconsul::gossip::swim {

class Recorder final : public Delegate {
 public:
  std::string node_meta() override { return meta; }
  void user_message(std::string_view message) override { messages.emplace_back(message); }
  std::vector<std::string> broadcasts(std::size_t overhead, std::size_t limit) override {
    std::vector<std::string> taken;
    std::size_t used = 0;
    while (!to_send.empty() && used + overhead + to_send.back().size() <= limit) {
      used += overhead + to_send.back().size();
      taken.push_back(std::move(to_send.back()));
      to_send.pop_back();
    }
    return taken;
  }
  bool has_broadcasts() const override { return !to_send.empty(); }
  std::string local_state(bool) override { return state; }
  void merge_remote_state(std::string_view remote, bool) override { merged.emplace_back(remote); }
  void node_joined(const Node& node) override { events.push_back("joined " + node.name); }
  void node_left(const Node& node) override {
    events.push_back((node.state == NodeState::left ? "left " : "dead ") + node.name);
  }
  void node_updated(const Node& node) override { events.push_back("updated " + node.name); }
  void name_conflict(const Node& existing, const Node&) override { events.push_back("conflict " + existing.name); }
  base::Result<> allow_merge(const std::vector<Node>&) override { return merge_allowed; }
  base::Result<> allow_alive(const Node&) override { return alive_allowed; }
  std::string ack_payload() override { return payload; }
  void ping_complete(const Node& node, base::Duration, std::string_view with) override {
    events.push_back("ping " + node.name + " " + std::string(with));
  }

  std::string meta{};
  std::string state{};
  std::string payload{};
  std::vector<std::string> to_send{};
  std::vector<std::string> messages{};
  std::vector<std::string> merged{};
  std::vector<std::string> events{};
  base::Result<> merge_allowed{};
  base::Result<> alive_allowed{};
};

inline Address address_of(unsigned number) {
  return {std::string{'\x0a', '\0', static_cast<char>(number >> 8), static_cast<char>(number)}, 7946};
}

/// A core with its layer above; names are "n1", "n2", ...
struct TestCore {
  explicit TestCore(unsigned number_of_it, Config config = {}) : number(number_of_it), random(number_of_it) {
    config.name = "n" + std::to_string(number);
    config.address = address_of(number);
    config.bind_port = 7946;
    core.emplace(std::move(config), random);
    if (!core->start(now, above)) std::abort();
    above.events.clear();
  }

  /// The messages that went out since the last call, with where to.
  std::vector<std::pair<Address, std::string>> sent(const Wrapping& wrapping = {}) {
    std::vector<std::pair<Address, std::string>> messages;
    for (const Packet& packet : core->effects().packets) {
      Unwrapped unwrapped;
      if (!unwrap_packet(packet.bytes, wrapping, unwrapped)) std::abort();
      for (const std::string_view message : unwrapped.messages) messages.emplace_back(packet.to, message);
    }
    core->effects().packets.clear();
    return messages;
  }
  /// The messages of one type that are among them.
  template <class Message>
  std::vector<Message> sent_of(MessageType type) {
    std::vector<Message> found;
    for (const auto& [to, message] : sent()) {
      if (static_cast<MessageType>(message[0]) != type) continue;
      found.push_back(decode<Message>(std::string_view(message).substr(1)).value());
    }
    return found;
  }
  template <class Message>
  void hear(MessageType type, const Message& message, Address from = address_of(99)) {
    core->packet(now, from, encode(type, message));
  }
  void know(unsigned other, std::uint32_t incarnation = 1, std::string meta = {}) {
    hear(MessageType::alive, alive_of(other, incarnation, std::move(meta)));
  }
  static Alive alive_of(unsigned other, std::uint32_t incarnation, std::string meta = {}) {
    return {.Incarnation = incarnation,
            .Node = "n" + std::to_string(other),
            .Addr = RawAddress(address_of(other).ip),
            .Port = 7946,
            .Meta = base::Bytes(std::move(meta)),
            .Vsn = base::Bytes(std::string(kVersions.begin(), kVersions.end()))};
  }
  /// Lets time pass and does what is due on the way.
  void pass(base::Duration time) {
    const base::MonotonicTime end = now + time;
    while (core->next_due() <= end) {
      now = std::max(now, core->next_due());
      core->tick(now);
    }
    now = end;
    core->tick(now);
  }
  NodeState state_of(unsigned other) const { return core->find("n" + std::to_string(other))->state; }
  bool said(std::string_view text) {
    for (const Line& line : core->effects().lines) {
      if (line.text.find(text) != std::string::npos) return true;
    }
    return false;
  }

  unsigned number;
  base::MonotonicTime now{1'000'000'000'000};
  base::SeededRandom random;
  Recorder above{};
  std::optional<Core> core{};
};

/// Carries streams that `a` opens to `b` and back until nothing moves, `piece` bytes at a time. Datagrams stay where
/// they are.
inline void carry_streams(TestCore& a, TestCore& b, std::size_t piece = 1 << 20) {
  std::map<StreamId, StreamId> to_b, to_a;
  const auto deliver = [&](TestCore& from, TestCore& to, std::map<StreamId, StreamId>& there,
                           std::map<StreamId, StreamId>& back) {
    std::vector<StreamEffect> effects = std::exchange(from.core->effects().streams, {});
    for (StreamEffect& effect : effects) {
      if (const auto* open = std::get_if<OpenStream>(&effect)) {
        if (open->to != address_of(to.number)) {
          from.core->stream_closed(from.now, open->stream,
                                   base::Result<>(base::Errc::unavailable, "connection refused"));
          continue;
        }
        const StreamId other = to.core->stream_accepted(to.now, address_of(from.number));
        there[open->stream] = other;
        back[other] = open->stream;
        from.core->stream_opened(from.now, open->stream);
      } else if (const auto* bytes = std::get_if<SendBytes>(&effect)) {
        for (std::size_t at = 0; at < bytes->bytes.size(); at += piece) {
          to.core->stream_bytes(to.now, there[bytes->stream], std::string_view(bytes->bytes).substr(at, piece));
        }
      } else {
        to.core->stream_closed(to.now, there[std::get<CloseStream>(effect).stream], {});
      }
    }
    return !effects.empty();
  };
  for (bool moved = true; moved;) {
    moved = deliver(a, b, to_b, to_a);
    moved = deliver(b, a, to_a, to_b) || moved;
  }
}

}  // namespace proconsul::gossip::swim
