// SWIM with Lifeguard as memberlist speaks it, and nothing else: no socket, thread or clock. Datagrams, bytes of
// streams and the time go in, effects come out. The rules are in gossip.md A5 to A8.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "gossip/swim/broadcast_queue.h"
#include "gossip/swim/effects.h"
#include "gossip/swim/exchange.h"
#include "gossip/swim/member_table.h"
#include "gossip/swim/membership.h"
#include "gossip/swim/message.h"
#include "gossip/swim/packet.h"
#include "gossip/swim/stream.h"
#include "gossip/swim/suspicion.h"
#include "gossip/swim/timing.h"

namespace proconsul::gossip::swim {

inline constexpr Versions kVersions{1, 5, 2, 2, 5, 4};

struct Config {
  std::string name{};
  Address address{};          // what others are told
  std::uint16_t bind_port{};  // stands for a port 0 of old peers
  Versions versions = kVersions;
  Timing timing{};
  Wrapping wrapping{};
  /// Whether a member is reached by a detour, where its name counts and not its address: it gets no stream pings.
  /// Unset: none is, and addresses carry no names.
  std::function<bool(std::string_view node)> far{};
  base::log::Level least_level = base::log::Level::debug;  // lines below it are not made
};

// What bounds a pool that went mad, or somebody who means it harm.
inline constexpr std::size_t kMostStreams = 1024;                         // accepted and open at once
inline constexpr std::size_t kMostPushPulls = 128;                        // of these: whose bytes are coming in
inline constexpr std::size_t kMostBufferedBytes = std::size_t{64} << 20;  // of all streams together
inline constexpr std::size_t kMostRelays = 4096;                          // indirect pings under way
inline constexpr std::size_t kMostUserPacket = 65'000;                    // bytes of a user message in a datagram

/// One thread. The time of a call is its `now`; the calls of Membership happen at the last time that was given.
class Core final : public Membership {
 public:
  Core(Config config, base::Random& random);
  ~Core() override;
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  /// From here on this node is a member; before it nothing may be called but local() and find(). `delegate` outlives
  /// the core. Errc::invalid_argument: the delegate's metadata is too long, or the configuration makes no sense.
  base::Result<> start(base::MonotonicTime now, Delegate& delegate);

  /// Takes a member for known and alive without a word to anybody: a simulated pool may begin whole.
  void know(const Node& node);

  /// Lines below it are not made; for a log level that changes.
  void set_least_level(base::log::Level level) { config_.least_level = level; }
  /// Says what time it is.
  void at(base::MonotonicTime now) { now_ = now; }
  /// Does what is due.
  void tick(base::MonotonicTime now);
  /// When tick is to be called next, at the latest. Forgets timers that became void.
  base::MonotonicTime next_due();
  /// Whether somebody is taken for failing who may have answered meanwhile: read what came before the next tick.
  bool awaits_answers() const { return probe_ || !suspects_.empty() || !relays_.empty(); }

  void packet(base::MonotonicTime now, const Address& from, std::string_view datagram);

  /// Somebody connected. 0: too many are, close it.
  StreamId stream_accepted(base::MonotonicTime now, const Address& from);
  void stream_opened(base::MonotonicTime now, StreamId stream);
  void stream_bytes(base::MonotonicTime now, StreamId stream, std::string_view bytes);
  /// The other side sends no more, or the stream never opened or broke: `error` says why.
  void stream_closed(base::MonotonicTime now, StreamId stream, base::Result<> error);

  /// What is to be done by now; the caller clears it.
  Effects& effects() { return effects_; }
  const Counts& counts() const { return counts_; }
  std::size_t queued_broadcasts() const { return queue_.size(); }
  std::size_t known_members() const { return members_.size(); }  // the dead among them
  std::array<std::size_t, 4> members_by_state() const;           // in the order of NodeState
  std::size_t open_streams() const { return streams_.size(); }
  std::size_t last_state_bytes() const { return last_state_bytes_; }  // of this node's last push/pull

  const Node& local() const override { return *self_; }
  std::vector<const Node*> members() const override;
  const Node* find(std::string_view name) const override { return members_.find(name); }
  std::size_t alive_count() const override { return alive_count_; }
  std::size_t suspect_count() const override { return suspects_.size(); }
  int health_score() const override { return awareness_.score(); }
  void join(std::vector<Address> addresses, std::move_only_function<void(JoinOutcome)> done) override;
  void broadcasts_queued() override { gossip_soon(); }
  void leave(base::Duration timeout, Done done) override;
  void update_node(base::Duration timeout, Done done) override;
  base::Result<> send_user_message(const Address& to, const Node* known, std::string_view message) override;
  /// The same on a stream of its own: any size up to kMostStreamBytes. Done once it is on its way.
  void send_user_message_reliably(const Address& to, std::string_view message, Done done);

 private:
  // Time.
  enum class Due : std::uint8_t {
    probe,
    probe_now,
    probe_timeout,
    probe_end,
    gossip,
    push_pull,
    relay,
    suspicion,
    stream,
    wait,
  };
  struct Timer {
    base::MonotonicTime at{};
    std::uint64_t order{};  // equal times keep the order of their making
    Due due{};
    std::uint64_t id{};
    bool operator<(const Timer& other) const {  // the queue's top is the greatest
      return at != other.at ? at > other.at : order > other.order;
    }
  };
  void arm(base::MonotonicTime at, Due due, std::uint64_t id = 0);
  void every(base::Duration interval, Due due);
  base::Duration within(base::Duration interval);
  /// Another member is known, for the first time.
  void begin_rounds();
  void fire(const Timer& timer);
  /// What it waited for has happened otherwise.
  bool is_void(const Timer& timer) const;
  /// The next round of gossip takes place, in the beat of the interval; while there is no news none does.
  void gossip_soon();
  bool rounds_run_ = false;
  bool gossip_armed_ = false;
  base::MonotonicTime gossip_at_{};  // the next beat, or one that passed in silence

  // The operator's log: texts are memberlist's.
  template <class... Parts>
  void say(base::log::Level level, const Parts&... parts) {
    if (level < config_.least_level) return;
    std::string& text = effects_.lines.emplace_back(level, "memberlist: ").text;
    (append(text, parts), ...);
  }
  static void append(std::string& text, std::string_view part) { text += part; }
  static void append(std::string& text, const Address& address) { text += to_string(address); }
  template <std::integral T>
  static void append(std::string& text, T number) {
    text += std::to_string(number);
  }
  /// Bad bytes of `from`. Some lines are written in a while, then they are only counted: a flood must not fill a disk.
  void refuse(base::log::Level level, const Address& from, std::string_view what, std::string_view why);

  // Datagrams (packets.cc).
  void send(const Address& to, std::string message, const Node* known);
  template <class Message>
  void send_with_broadcasts(const Address& to, MessageType type, const Message& message) {
    send_with_broadcasts(to, encode(type, message));
  }
  void send_with_broadcasts(const Address& to, std::string message);
  /// The pool's own news, then the layer's above: at most `limit` bytes with `kCompoundPart` for each.
  std::vector<std::string> take_broadcasts(std::size_t limit, std::size_t most);
  void gossip();
  void handle(std::string_view message, const Address& from);
  template <class Message>
  std::optional<Message> read(std::string_view body, std::string_view name, const Address& from);
  void handle_ping(const Ping& ping, const Address& from);
  void handle_indirect_ping(const IndirectPing& ping, const Address& from);
  Source source() const;
  template <class Message>
  Address answer_address(const Message& message, const Address& from) const;
  /// With its name, where that counts.
  Address address(std::string_view ip, std::uint16_t port, std::string_view node) const {
    return {std::string(ip), port, config_.far ? std::string(node) : std::string()};
  }

  // Probing (probe.cc).
  struct Probe {
    std::uint32_t sequence{};
    std::string node{};
    std::uint32_t incarnation{};  // as it was then: what the node said meanwhile refutes
    base::MonotonicTime sent{};
    base::MonotonicTime end{};
    int expected_nacks{};
    int nacks{};
    bool indirect{};     // others were asked
    StreamId stream{};   // the ping that goes over TCP
    bool over_stream{};  // and was answered
  };
  struct Relay {
    Address asker{};
    std::uint32_t sequence{};  // the asker's
    bool nack{};
  };
  void probe_next();
  void probe(const Member& member);
  void probe_indirectly(Probe& probe);
  void end_probe(int awareness);
  void probe_failed();
  void handle_ack(std::uint32_t sequence, std::string_view payload);
  void handle_nack(std::uint32_t sequence);
  void relay_over(std::uint32_t sequence);
  void acknowledged(std::string_view payload);
  /// Up to `count` different members that `wanted` names, at random. May overlook some where few are wanted.
  template <class Wanted>
  std::vector<const Member*> pick(std::size_t count, Wanted wanted) {
    std::vector<const Member*> picked;
    for (std::size_t tries = 3 * members_.size(); tries > 0 && picked.size() < count; --tries) {
      const Member* member = &members_[random_.below(members_.size())];
      if (!wanted(*member) || std::find(picked.begin(), picked.end(), member) != picked.end()) continue;
      picked.push_back(member);
    }
    return picked;
  }

  // Who is what (state.cc).
  using Sent = BroadcastQueue::Sent;
  void alive(Alive message, bool own, Sent sent = {});
  void suspect(const Suspect& message);
  void dead(const Dead& message, Sent sent = {});
  void suspicion_over(Member& member);
  void forget_suspicion(Member& member);
  /// News for everybody; replaces what is not yet told of the same member.
  void broadcast(std::string_view name, std::string message, Sent sent = {});
  static bool is_gone(const Node& node) { return node.state == NodeState::dead || node.state == NodeState::left; }
  void refute(std::uint32_t accused);
  void become(Member& member, NodeState state);
  std::uint32_t next_incarnation();
  base::Result<> announce(Sent sent);
  bool anybody_else() const;

  // Streams (streams.cc, push_pull.cc).
  enum class Role : std::uint8_t { accepted, push_pull, ping, user };
  struct Stream {
    Role role{};
    Address peer{};
    StreamReader reader;
    base::MonotonicTime began{};
    base::MonotonicTime deadline{};
    bool opened{};
    bool pending{};            // accepted, and its message has begun
    bool join{};               // of a push/pull
    std::uint32_t sequence{};  // of a ping
    std::string message{};     // of a user message, or a ping
    Done done{};
  };
  StreamId open(Role role, const Address& to, base::MonotonicTime deadline, Done done);
  /// Closes and forgets the stream, and tells who waits for it.
  void end_stream(StreamId id, base::Result<> result);
  void stream_overdue(StreamId id);
  void send_on(StreamId id, std::string message, bool labelled);
  base::Result<> take_message(StreamId id, Stream& stream);
  base::Result<> take_accepted(StreamId id, const Address& peer, MessageType type, std::string_view body);
  void answer_error(StreamId id, const base::Error& error);
  void push_pull(const Address& with, bool join, Done done);
  void push_pull_with_anybody();
  std::string local_state(bool join);
  base::Result<> merge(const Exchange& exchange, bool join);
  base::Result<> verify_versions(const std::vector<PushNodeState>& remote) const;
  struct Joining;
  void join_next(std::shared_ptr<Joining> joining);

  // Waiting for something to go out.
  struct Wait {
    Done done{};
    std::string_view what{};
    bool met{};
  };
  std::uint64_t wait(base::Duration timeout, std::string_view what, Done done);
  void met(std::uint64_t wait);

  Config config_;
  base::Random& random_;
  Delegate* delegate_ = nullptr;
  base::MonotonicTime now_{};
  Effects effects_{};
  Counts counts_{};

  std::priority_queue<Timer> timers_{};
  std::uint64_t timer_order_ = 0;

  MemberTable members_{};
  Member* self_;
  std::size_t alive_count_ = 0;
  std::uint32_t incarnation_ = 0;
  bool left_ = false;
  BroadcastQueue queue_;
  Awareness awareness_;
  std::unordered_map<std::uint64_t, Member*> suspects_{};  // by the number of their suspicion
  std::uint64_t next_id_ = 0;                              // of suspicions, streams and waits

  std::size_t probe_place_ = 0;
  std::optional<Probe> probe_{};
  bool probe_due_ = false;  // while one was running
  std::uint32_t sequence_ = 0;
  std::unordered_map<std::uint32_t, Relay> relays_{};  // by the sequence number of the ping sent for them

  Unwrapped unwrapped_{};
  std::unordered_map<StreamId, Stream> streams_{};
  std::size_t accepted_ = 0;
  std::size_t pending_ = 0;
  std::size_t buffered_ = 0;
  std::size_t last_state_bytes_ = 0;
  std::unordered_map<std::uint64_t, Wait> waits_{};

  base::MonotonicTime refusals_since_{};
  int refusals_ = 0;
};

}  // namespace proconsul::gossip::swim
