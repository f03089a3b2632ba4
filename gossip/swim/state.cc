// Who is alive, suspect, dead or gone: what each message about a member changes (gossip.md A7).
#include <algorithm>
#include <utility>

#include "gossip/swim/core.h"

namespace proconsul::gossip::swim {
namespace {

using base::Duration;
using base::Result;
using base::log::Level;

constexpr std::size_t kVersionBytes = std::tuple_size_v<Versions>;

Versions versions_of(std::string_view bytes) {
  Versions versions{};
  if (bytes.size() >= versions.size()) std::copy_n(bytes.begin(), versions.size(), versions.begin());
  return versions;
}

std::string_view name_of(NodeState state) {
  switch (state) {
    case NodeState::alive:
      return "alive";
    case NodeState::suspect:
      return "suspect";
    case NodeState::dead:
      return "dead";
    case NodeState::left:
      return "left";
  }
  return "?";
}

}  // namespace

void Core::become(Member& member, NodeState state) {
  if (!is_gone(member)) --alive_count_;
  member.state = state;
  member.state_since = now_;
  if (!is_gone(member)) ++alive_count_;
}

void Core::forget_suspicion(Member& member) {
  if (!member.suspicion) return;
  suspects_.erase(member.suspicion_id);
  member.suspicion.reset();
}

void Core::alive(Alive message, bool own, Sent sent) {
  const bool about_self = message.Node == config_.name;
  if (left_ && about_self) return;  // a late one must not bring this node back
  Member* member = members_.find(message.Node);
  // Most of what is heard is known already: that costs no more than the look.
  if (member != nullptr && !about_self && message.Incarnation <= member->incarnation &&
      member->address.ip == message.Addr && member->address.port == message.Port) {
    return;
  }
  const auto ignore = [&](std::string_view why) {
    say(Level::warn, "Ignoring an alive message for '", message.Node, "' (", Address{message.Addr, message.Port},
        "): ", why);
  };
  if (message.Node.empty()) return ignore("it has no name");
  if (message.Addr.size() != 4 && message.Addr.size() != 16) return ignore("its address is no IP address");
  if (message.Meta.size() > kMetaLimit) return ignore("its metadata is longer than the limit");
  if (message.Vsn.size() < kVersionBytes) return ignore("Vsn is not present");
  const Node claimed{.name = message.Node,
                     .address = address(message.Addr, message.Port, message.Node),
                     .meta = message.Meta,
                     .versions = versions_of(message.Vsn),
                     .state = NodeState::alive,
                     .incarnation = message.Incarnation,
                     .state_since = now_};
  const auto [least, most, current, delegate_least, delegate_most, delegate_current] = claimed.versions;
  if (least == 0 || most == 0 || least > most) {
    say(Level::warn, "Ignoring an alive message for '", message.Node, "' (", claimed.address,
        ") because protocol version(s) are wrong: ", least, " <= ", current, " <= ", most, " should be >0");
    return;
  }
  if (Result<> allowed = delegate_->allow_alive(claimed); !allowed) {
    say(Level::warn, "ignoring alive message for '", message.Node, "': ", allowed.error().detail);
    return;
  }

  bool moves = false;
  if (member == nullptr) {
    if (members_.size() >= kMostMembers) return ignore("there are too many members");
    member = &members_.add(message.Node, random_);
    begin_rounds();
    member->address = claimed.address;
    member->meta = claimed.meta;
    member->versions = claimed.versions;
    member->state = NodeState::dead;
  } else if (member->address != claimed.address) {
    const Duration reclaim = config_.timing.dead_node_reclaim_time;
    const bool reclaimable = reclaim.nanoseconds > 0 && now_ - member->state_since > reclaim;
    if (member->state != NodeState::left && (member->state != NodeState::dead || !reclaimable)) {
      say(Level::error, "Conflicting address for ", member->name, ". Mine: ", member->address,
          " Theirs: ", claimed.address, " Old state: ", name_of(member->state));
      delegate_->name_conflict(*member, claimed);
      return;
    }
    say(Level::info, "Updating address for left or failed node ", member->name, " from ", member->address, " to ",
        claimed.address);
    moves = true;
  }
  if (about_self ? message.Incarnation < member->incarnation : message.Incarnation <= member->incarnation && !moves) {
    return;
  }

  if (about_self && !own) {
    // After a restart others may know this node by the same incarnation, but as it was before: only that is refuted.
    if (message.Incarnation == member->incarnation && claimed.meta == member->meta &&
        claimed.versions == member->versions) {
      return;
    }
    forget_suspicion(*member);
    refute(message.Incarnation);
    say(Level::warn, "Refuting an alive message for '", message.Node, "' (", claimed.address, ") of incarnation ",
        message.Incarnation, claimed.meta == member->meta ? "" : ", with other metadata",
        claimed.versions == member->versions ? "" : ", with other versions");
    ++counts_.alive;
    return;
  }

  forget_suspicion(*member);
  broadcast(member->name, encode(MessageType::alive, message), std::move(sent));
  const bool joins = is_gone(*member);
  const bool changed = member->meta != claimed.meta;
  member->versions = claimed.versions;
  member->incarnation = message.Incarnation;
  member->meta = claimed.meta;
  member->address = claimed.address;
  if (member->state != NodeState::alive) become(*member, NodeState::alive);
  ++counts_.alive;
  if (joins) {
    delegate_->node_joined(*member);
  } else if (changed) {
    delegate_->node_updated(*member);
  }
}

void Core::know(const Node& node) {
  if (members_.find(node.name) != nullptr) return;
  Member& member = members_.add(node.name, random_);
  begin_rounds();
  member.address = address(node.address.ip, node.address.port, node.name);
  member.meta = node.meta;
  member.versions = node.versions;
  member.incarnation = node.incarnation;
  member.state = NodeState::dead;
  become(member, NodeState::alive);
}

void Core::suspect(const Suspect& message) {
  Member* member = members_.find(message.Node);
  if (member == nullptr || message.Incarnation < member->incarnation) return;
  if (member->suspicion) {
    // Told on as well: independent confirmations must reach everybody, also from those who found it suspect already.
    if (member->suspicion->confirm(message.From)) {
      broadcast(member->name, encode(MessageType::suspect, message));
      arm(member->suspicion->deadline(), Due::suspicion, member->suspicion_id);
    }
    return;
  }
  if (member->state != NodeState::alive) return;
  if (member == self_) {
    refute(message.Incarnation);
    say(Level::warn, "Refuting a suspect message (from: ", message.From, ")");
    return;
  }
  broadcast(member->name, encode(MessageType::suspect, message));
  ++counts_.suspect;
  member->incarnation = message.Incarnation;
  become(*member, NodeState::suspect);

  // Two probe intervals short of the time in which all could have said so; none is hoped for where too few could.
  const auto known = static_cast<int>(members_.size());
  const int hoped = config_.timing.suspicion_mult - 2;
  const int wanted = known - 2 < hoped ? 0 : hoped;
  const Duration least =
      suspicion_timeout(config_.timing.suspicion_mult, members_.size(), config_.timing.probe_interval);
  const Duration most{least.nanoseconds * config_.timing.suspicion_max_timeout_mult};
  member->suspicion = std::make_unique<Suspicion>(message.From, wanted, least, most, now_);
  member->suspicion_id = ++next_id_;
  suspects_.emplace(member->suspicion_id, member);
  arm(member->suspicion->deadline(), Due::suspicion, member->suspicion_id);
}

void Core::suspicion_over(Member& member) {
  const int confirmations = member.suspicion->confirmations();
  if (confirmations < member.suspicion->wanted()) ++counts_.degraded_timeouts;
  say(Level::info, "Marking ", member.name, " as failed, suspect timeout reached (", confirmations,
      " peer confirmations)");
  dead({.Incarnation = member.incarnation, .Node = member.name, .From = config_.name});
}

void Core::dead(const Dead& message, Sent sent) {
  Member* member = members_.find(message.Node);
  if (member == nullptr || message.Incarnation < member->incarnation) return;
  forget_suspicion(*member);
  if (is_gone(*member)) return;
  if (member == self_ && !left_) {
    refute(message.Incarnation);
    say(Level::warn, "Refuting a dead message (from: ", message.From, ")");
    return;
  }
  broadcast(member->name, encode(MessageType::dead, message), std::move(sent));
  ++counts_.dead;
  member->incarnation = message.Incarnation;
  become(*member, message.Node == message.From ? NodeState::left : NodeState::dead);
  delegate_->node_left(*member);
}

/// Says that this node is alive, in words that beat the accusation.
void Core::refute(std::uint32_t accused) {
  incarnation_ = std::max(incarnation_, accused);
  self_->incarnation = next_incarnation();
  awareness_.apply(1);  // there may be something about it
  ++counts_.refutations;
  broadcast(self_->name,
            encode(MessageType::alive,
                   Alive{.Incarnation = self_->incarnation,
                         .Node = self_->name,
                         .Addr = RawAddress(self_->address.ip),
                         .Port = self_->address.port,
                         .Meta = base::Bytes(self_->meta),
                         .Vsn = base::Bytes(std::string(self_->versions.begin(), self_->versions.end()))}));
}

void Core::broadcast(std::string_view name, std::string message, Sent sent) {
  queue_.push(std::move(message), name, std::move(sent));
  gossip_soon();
}

}  // namespace proconsul::gossip::swim
