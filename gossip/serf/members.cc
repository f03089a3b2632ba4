// Who is in the pool: what the membership says of nodes, as members with tags and a status.
#include <utility>

#include "gossip/ip_text.h"
#include "gossip/serf/serf.h"

namespace proconsul::gossip::serf {

using base::Errc;
using base::Result;

Serf::MemberState* Serf::find(const std::string& name) {
  const auto found = states_.find(name);
  return found == states_.end() ? nullptr : found->second.get();
}

bool Serf::has_other_alive() const {
  for (const auto& [name, state] : states_) {
    if (state->member->Status == MemberStatus::alive && name != settings_.node_name) return true;
  }
  return false;
}

void Serf::put(MemberState& state, Member member) {
  state.member = base::make_row(std::move(member));
  members_.insert(state.member->Name, state.member);
  observer_.view_changed();
}

void Serf::set_status(MemberState& state, MemberStatus status) {
  Member changed = *state.member;
  changed.Status = status;
  put(state, std::move(changed));
}

void Serf::move_to(GoneList& list, MemberState& state) {
  take_from_list(state);
  state.list = &list;
  state.place = list.size();
  list.push_back(&state);
}

void Serf::take_from_list(MemberState& state) {
  if (state.list == nullptr) return;
  GoneList& list = *std::exchange(state.list, nullptr);
  list[state.place] = list.back();
  list[state.place]->place = state.place;
  list.pop_back();
}

void Serf::erase(MemberState& state) {
  take_from_list(state);
  const MemberPtr gone = state.member;
  members_.erase(gone->Name);
  if (coordinate_client_) {
    coordinate_client_->forget(gone->Name);
    coordinates_.erase(gone->Name);
  }
  states_.erase(gone->Name);
  observer_.view_changed();
  emit(MemberEventType::reap, gone);
}

void Serf::emit(MemberEventType type, const MemberPtr& member) {
  const MemberEvent event{.type = type, .members = {member}};
  if (snapshot_) {
    snapshot_->record(event);
    snapshot_->record_clock(clock_of_members_.time());
    snapshot_soon();
  }
  member_coalescer_.add(event);
}

Member Serf::member_of(const swim::Node& node, MemberStatus status) const {
  const swim::Versions& versions = node.versions;
  return {
      .Name = node.name,
      .Addr = base::Bytes(node.address.ip),
      .Port = node.address.port,
      .Tags = decode_tags(node.meta),
      .Status = status,
      .ProtocolMin = versions[0],
      .ProtocolMax = versions[1],
      .ProtocolCur = versions[2],
      .DelegateMin = versions[3],
      .DelegateMax = versions[4],
      .DelegateCur = versions[5],
  };
}

void Serf::node_joined(const swim::Node& node) {
  Member member = member_of(node, MemberStatus::alive);
  MemberState* state = find(node.name);
  if (state == nullptr) {
    state = states_.emplace(node.name, std::make_unique<MemberState>()).first->second.get();
    // An intent may have come before the news that the node is there.
    if (const auto intent = recent_intents_.find(node.name); intent != recent_intents_.end()) {
      state->status_time = intent->second.time;
      if (intent->second.type == MessageType::leave) member.Status = MemberStatus::leaving;
    }
  } else {
    const bool failed = state->member->Status == MemberStatus::failed;
    if (failed && clock_.now() - state->leave_time < settings_.flap_timeout) metrics_.member_flap.add();
    state->leave_time = {};
    take_from_list(*state);
  }
  put(*state, std::move(member));
  metrics_.member_join.add();
  log_.info("serf: EventMemberJoin: " + node.name + " " + ip_text(node.address.ip));
  emit(MemberEventType::join, state->member);
}

void Serf::node_left(const swim::Node& node) {
  MemberState* state = find(node.name);
  if (state == nullptr) return;
  const MemberStatus before = state->member->Status;
  if (before != MemberStatus::leaving && before != MemberStatus::alive) {
    log_.warn("serf: Bad state when leave: " + std::to_string(static_cast<base::Int>(before)));
    return;
  }
  const bool left = before == MemberStatus::leaving;
  state->leave_time = clock_.now();
  move_to(left ? left_ : failed_, *state);
  set_status(*state, left ? MemberStatus::left : MemberStatus::failed);
  (left ? metrics_.member_left : metrics_.member_failed).add();
  log_.info(std::string("serf: ") + (left ? "EventMemberLeave: " : "EventMemberFailed: ") + node.name + " " +
            ip_text(state->member->Addr));
  emit(left ? MemberEventType::leave : MemberEventType::failed, state->member);
}

void Serf::node_updated(const swim::Node& node) {
  MemberState* state = find(node.name);
  if (state == nullptr) return;
  put(*state, member_of(node, state->member->Status));
  metrics_.member_update.add();
  log_.info("serf: EventMemberUpdate: " + node.name);
  emit(MemberEventType::update, state->member);
}

Result<Member> Serf::validated(const swim::Node& node) const {
  if (Result<> ok = validate_node_name(settings_, node.name); !ok) return ok.error();
  if (const std::size_t size = node.address.ip.size(); size != 4 && size != 16) {
    return {Errc::invalid_argument,
            "IP byte length is invalid: " + std::to_string(size) + " bytes is not either 4 or 16"};
  }
  if (node.meta.size() > swim::kMetaLimit) {
    return {Errc::invalid_argument,
            "Encoded length of tags exceeds limit of " + std::to_string(swim::kMetaLimit) + " bytes"};
  }
  return member_of(node, node.state == swim::NodeState::left ? MemberStatus::left : MemberStatus::none);
}

Result<> Serf::allow_merge(const std::vector<swim::Node>& nodes) {
  if (!settings_.merge) return {};
  std::vector<Member> members;
  members.reserve(nodes.size());
  for (const swim::Node& node : nodes) {
    Result<Member> member = validated(node);
    if (!member) return member.error();
    members.push_back(std::move(*member));
  }
  return settings_.merge(members);
}

Result<> Serf::allow_alive(const swim::Node& node) {
  const bool own = node.name == settings_.node_name;
  if (!own && settings_.allowed_address && !settings_.allowed_address(node.address.ip)) {
    return {Errc::permission_denied, ip_text(node.address.ip) + " is not allowed"};
  }
  return allow_merge({node});
}

}  // namespace proconsul::gossip::serf
