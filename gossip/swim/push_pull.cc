// Exchanges of all that is known, to join a pool and from time to time within it (gossip.md A5).
#include <algorithm>
#include <limits>
#include <utility>

#include "gossip/swim/core.h"

namespace proconsul::gossip::swim {

using base::Errc;
using base::Result;
using base::log::Level;

namespace {

/// The range of versions that all of some members speak, by which versions they speak now.
struct Range {
  std::uint8_t least = 0;
  std::uint8_t most = std::numeric_limits<std::uint8_t>::max();

  void narrow(std::uint8_t from, std::uint8_t to) {
    least = std::max(least, from);
    most = std::min(most, to);
  }
  Result<> check(std::string_view name, std::string_view what, std::uint8_t current) const {
    if (current >= least && current <= most) return {};
    return {Errc::invalid_argument, "Node '" + std::string(name) + "' " + std::string(what) + " (" +
                                        std::to_string(current) + ") is incompatible: [" + std::to_string(least) +
                                        ", " + std::to_string(most) + "]"};
  }
};

Versions versions_of(const PushNodeState& node) {
  Versions versions{};
  if (node.Vsn.size() >= versions.size()) std::copy_n(node.Vsn.begin(), versions.size(), versions.begin());
  return versions;
}

Node node_of(const PushNodeState& node) {
  return {.name = node.Name,
          .address = {node.Addr, node.Port},
          .meta = node.Meta,
          .versions = versions_of(node),
          .state = static_cast<NodeState>(node.State),
          .incarnation = node.Incarnation,
          .state_since = {}};
}

}  // namespace

std::string Core::local_state(bool join) {
  Exchange exchange;
  exchange.join = join;
  exchange.nodes.reserve(members_.size());
  for (const auto& member : members_.all()) {
    exchange.nodes.push_back({.Name = member->name,
                              .Addr = RawAddress(member->address.ip),
                              .Port = member->address.port,
                              .Meta = base::Bytes(member->meta),
                              .Incarnation = member->incarnation,
                              .State = static_cast<base::Int>(member->state),
                              .Vsn = base::Bytes(std::string(member->versions.begin(), member->versions.end()))});
  }
  exchange.user_state = delegate_->local_state(join);
  std::string bytes = encode_exchange(exchange);
  last_state_bytes_ = bytes.size();
  return bytes;
}

void Core::push_pull(const Address& with, bool join, Done done) {
  const StreamId id = open(Role::push_pull, with, now_ + config_.timing.tcp_timeout, std::move(done));
  streams_.find(id)->second.join = join;
}

void Core::push_pull_with_anybody() {
  if (left_) return;
  const auto takes = [&](const Member& member) { return &member != self_ && member.state == NodeState::alive; };
  for (const Member* member : pick(1, takes)) {
    push_pull(member->address, false, [this, name = member->name](Result<> exchanged) {
      if (!exchanged) say(Level::error, "Push/Pull with ", name, " failed: ", exchanged.error().detail);
    });
  }
}

/// Members that speak no common version must not meet: one of them would be thrown out by the next message.
Result<> Core::verify_versions(const std::vector<PushNodeState>& remote) const {
  Range protocol, delegate;
  for (const PushNodeState& node : remote) {
    if (node.State != static_cast<base::Int>(NodeState::alive) || node.Vsn.empty()) continue;
    const Versions versions = versions_of(node);
    protocol.narrow(versions[0], versions[1]);
    delegate.narrow(versions[3], versions[4]);
  }
  for (const auto& member : members_.all()) {
    if (member->state != NodeState::alive) continue;
    protocol.narrow(member->versions[0], member->versions[1]);
    delegate.narrow(member->versions[3], member->versions[4]);
  }
  const auto check = [&](std::string_view name, const Versions& versions) -> Result<> {
    if (Result<> fits = protocol.check(name, "protocol version", versions[2]); !fits) return fits;
    return delegate.check(name, "delegate protocol version", versions[5]);
  };
  for (const PushNodeState& node : remote) {
    if (Result<> fits = check(node.Name, versions_of(node)); !fits) return fits;
  }
  for (const auto& member : members_.all()) {
    if (Result<> fits = check(member->name, member->versions); !fits) return fits;
  }
  return {};
}

Result<> Core::merge(const Exchange& exchange, bool join) {
  if (Result<> fits = verify_versions(exchange.nodes); !fits) return fits;
  if (join) {
    std::vector<Node> nodes;
    nodes.reserve(exchange.nodes.size());
    for (const PushNodeState& node : exchange.nodes) nodes.push_back(node_of(node));
    if (Result<> allowed = delegate_->allow_merge(nodes); !allowed) return allowed;
  }
  for (const PushNodeState& node : exchange.nodes) {
    switch (static_cast<NodeState>(node.State)) {
      case NodeState::alive:
        alive({.Incarnation = node.Incarnation,
               .Node = node.Name,
               .Addr = node.Addr,
               .Port = node.Port == 0 ? config_.bind_port : node.Port,
               .Meta = node.Meta,
               .Vsn = node.Vsn},
              false);
        break;
      case NodeState::left:
        dead({.Incarnation = node.Incarnation, .Node = node.Name, .From = node.Name});
        break;
      // One who is said to be dead is first asked whether it is.
      case NodeState::dead:
      case NodeState::suspect:
        suspect({.Incarnation = node.Incarnation, .Node = node.Name, .From = config_.name});
        break;
    }
  }
  if (!exchange.user_state.empty()) delegate_->merge_remote_state(exchange.user_state, join);
  return {};
}

struct Core::Joining {
  std::vector<Address> addresses{};
  std::size_t next = 0;
  JoinOutcome outcome{};
  std::move_only_function<void(JoinOutcome)> done{};
};

void Core::join(std::vector<Address> addresses, std::move_only_function<void(JoinOutcome)> done) {
  auto joining = std::make_shared<Joining>();
  joining->addresses = std::move(addresses);
  joining->done = std::move(done);
  join_next(std::move(joining));
}

void Core::join_next(std::shared_ptr<Joining> joining) {
  if (joining->next == joining->addresses.size()) {
    joining->done(std::move(joining->outcome));
    return;
  }
  const Address& address = joining->addresses[joining->next++];
  push_pull(address, true, [this, joining, address](Result<> joined) {
    if (joined) {
      ++joining->outcome.joined;
    } else {
      const std::string error = "Failed to join " + to_string(address) + ": " + joined.error().detail;
      say(Level::debug, error);
      joining->outcome.errors.push_back(error);
    }
    join_next(joining);
  });
}

}  // namespace proconsul::gossip::swim
