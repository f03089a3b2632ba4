// What members say they are about to do. An intent is heard apart from the news of the membership, before or after it,
// and its Lamport time tells which is the latest (gossip.md B3).
#include <utility>

#include "gossip/ip_text.h"
#include "gossip/serf/serf.h"

namespace proconsul::gossip::serf {
namespace {

/// Intents of members that are not known; only a forger makes up so many names.
constexpr std::size_t kMostRecentIntents = 65536;

}  // namespace

bool Serf::remember_intent(MessageType type, const std::string& node, LamportTime time) {
  const auto known = recent_intents_.find(node);
  if (known == recent_intents_.end() && recent_intents_.size() >= kMostRecentIntents) return false;
  if (known != recent_intents_.end() && time <= known->second.time) return false;
  recent_intents_[node] = {.type = type, .time = time, .heard = clock_.now()};
  return true;
}

bool Serf::handle_join(const JoinIntent& join) {
  if (base::log::Logger::enabled(base::log::Level::debug)) log_.debug("serf: messageJoinType: " + join.Node);
  clock_of_members_.witness(join.LTime);
  MemberState* state = find(join.Node);
  if (state == nullptr) return remember_intent(MessageType::join, join.Node, join.LTime);
  if (join.LTime <= state->status_time) return false;
  state->status_time = join.LTime;
  // The leave that it was about to do was of an older time.
  if (state->member->Status == MemberStatus::leaving) set_status(*state, MemberStatus::alive);
  return true;
}

bool Serf::handle_leave(const LeaveIntent& leave) {
  if (base::log::Logger::enabled(base::log::Level::debug)) log_.debug("serf: messageLeaveType: " + leave.Node);
  clock_of_members_.witness(leave.LTime);
  MemberState* state = find(leave.Node);
  if (state == nullptr) return remember_intent(MessageType::leave, leave.Node, leave.LTime);
  if (leave.LTime <= state->status_time) return false;
  if (leave.Node == settings_.node_name && state_ == State::alive) {
    log_.debug("serf: Refuting an older leave intent");
    broadcast_join(clock_of_members_.time());
    return false;
  }
  // Also where the status stays: else the same message would be passed on forever between those who know already.
  state->status_time = leave.LTime;
  switch (state->member->Status) {
    case MemberStatus::alive:
      set_status(*state, MemberStatus::leaving);
      if (leave.Prune) prune_later(*state);
      return true;
    case MemberStatus::failed:
      // Those that synchronise with this node shall take it from their failed ones too.
      move_to(left_, *state);
      set_status(*state, MemberStatus::left);
      log_.info("serf: EventMemberLeave (forced): " + leave.Node + " " + ip_text(state->member->Addr));
      emit(MemberEventType::leave, state->member);
      if (leave.Prune) prune(*state);
      return true;
    case MemberStatus::leaving:
      if (leave.Prune) prune_later(*state);
      return true;
    case MemberStatus::left:
      if (leave.Prune) prune(*state);
      return true;
    case MemberStatus::none:
      break;
  }
  return false;
}

void Serf::prune_later(MemberState& state) {
  const base::Duration delay = settings_.broadcast_timeout + settings_.leave_propagate_delay;
  alarms_.after(delay, [this, name = state.member->Name] {
    MemberState* leaving = find(name);
    if (leaving == nullptr) return;
    const MemberStatus status = leaving->member->Status;
    // It may have said meanwhile that it stays.
    if (status == MemberStatus::leaving || status == MemberStatus::left) prune(*leaving);
  });
}

void Serf::prune(MemberState& state) {
  if (state.member->Name == settings_.node_name) return;
  log_.info("serf: EventMemberReap (forced): " + state.member->Name + " " + ip_text(state.member->Addr));
  erase(state);
}

void Serf::broadcast_join(LamportTime time) {
  const JoinIntent join{.LTime = time, .Node = settings_.node_name};
  clock_of_members_.witness(time);
  handle_join(join);
  spread(intent_queue_, encode(MessageType::join, join));
}

}  // namespace proconsul::gossip::serf
