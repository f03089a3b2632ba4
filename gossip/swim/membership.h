// Who is in a pool, as the layer above sees it: what it may ask of the membership, and what it is told and asked by it.
// All of it happens on one thread (the pool's), without clocks or sockets of its own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/time.h"
#include "gossip/swim/message.h"

namespace proconsul::gossip::swim {

/// Where a member hears: 4 or 16 raw bytes of an IP, and a port.
struct Address {
  std::string ip{};
  std::uint16_t port{};
  /// The member's name, where a pool needs it to find the way (Config::far of the core); no part of what is compared.
  std::string node{};
  bool operator==(const Address& other) const { return ip == other.ip && port == other.port; }
  auto operator<=>(const Address& other) const { return std::tie(ip, port) <=> std::tie(other.ip, other.port); }
};
/// "10.0.0.1:8301", "[::1]:8301".
std::string to_string(const Address& address);

/// Protocol of memberlist min, max, current; the same of the layer above (gossip.md A1, Vsn).
using Versions = std::array<std::uint8_t, 6>;

struct Node {
  std::string name{};
  Address address{};
  std::string meta{};  // opaque here; at most kMetaLimit bytes
  Versions versions{};
  NodeState state{};
  std::uint32_t incarnation{};
  base::MonotonicTime state_since{};
};
inline constexpr std::size_t kMetaLimit = 512;

/// The layer above. Calls come from within Membership's own; from within one it may ask, but not join or leave.
class Delegate {
 public:
  virtual ~Delegate() = default;

  /// What others shall know of this node, at most kMetaLimit bytes.
  virtual std::string node_meta() = 0;
  /// A user message of a member (gossip.md A1 type 8), without that type byte.
  virtual void user_message(std::string_view message) = 0;
  /// Messages to carry along: together, each with `overhead` bytes added, at most `limit`. Each is sent as user
  /// message.
  virtual std::vector<std::string> broadcasts(std::size_t overhead, std::size_t limit) = 0;
  /// Whether there are such messages. When that becomes true, Membership::broadcasts_queued is to be called.
  virtual bool has_broadcasts() const = 0;
  /// The state for an exchange on a stream, and what came in one.
  virtual std::string local_state(bool join) = 0;
  virtual void merge_remote_state(std::string_view state, bool join) = 0;

  virtual void node_joined(const Node& node) = 0;
  virtual void node_left(const Node& node) = 0;  // state says whether it is dead or left
  virtual void node_updated(const Node& node) = 0;
  /// `other` claims the name of `existing` from elsewhere.
  virtual void name_conflict(const Node& existing, const Node& other) = 0;
  /// Errors refuse: a merge with these members (nothing is merged), a member that claims to be alive.
  virtual base::Result<> allow_merge(const std::vector<Node>& members) = 0;
  virtual base::Result<> allow_alive(const Node& node) = 0;

  /// Travels in acks of direct probes; and what came back after `round_trip`.
  virtual std::string ack_payload() = 0;
  virtual void ping_complete(const Node& node, base::Duration round_trip, std::string_view payload) = 0;
};

/// How many of the addresses were joined; an error says why not all of them, one reason each.
struct JoinOutcome {
  int joined{};
  std::vector<std::string> errors{};
};

class Membership {
 public:
  using Done = std::move_only_function<void(base::Result<>)>;
  virtual ~Membership() = default;

  virtual const Node& local() const = 0;
  /// Alive and suspect members, the local node among them.
  virtual std::vector<const Node*> members() const = 0;
  /// nullptr: unknown. Dead and left ones are known for a while.
  virtual const Node* find(std::string_view name) const = 0;
  /// Alive and suspect ones; cheap.
  virtual std::size_t alive_count() const = 0;
  /// Of those that are counted alive: they seem to fail.
  virtual std::size_t suspect_count() const = 0;
  /// Lifeguard's local health, 0 is best.
  virtual int health_score() const = 0;

  /// Exchanges states with each address, one after the other.
  virtual void join(std::vector<Address> addresses, std::move_only_function<void(JoinOutcome)> done) = 0;
  /// Delegate::has_broadcasts is true now: gossip begins again, which sleeps while nobody has news.
  virtual void broadcasts_queued() = 0;
  /// Says goodbye; done once that went out to somebody, or Errc::timeout. Afterwards nothing is probed or answered
  /// for.
  virtual void leave(base::Duration timeout, Done done) = 0;
  /// Asks Delegate::node_meta again and announces it; done once that went out, or Errc::timeout.
  virtual void update_node(base::Duration timeout, Done done) = 0;
  /// A user message in one datagram, unacknowledged.
  virtual base::Result<> send_user_message(const Address& to, const Node* known, std::string_view message) = 0;
};

}  // namespace proconsul::gossip::swim
