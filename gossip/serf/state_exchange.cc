// What two members tell each other of the whole pool when they exchange states (gossip.md B4), and coordinates, which
// travel in the acks of pings (B9).
#include <algorithm>
#include <utility>

#include "gossip/serf/serf.h"

namespace proconsul::gossip::serf {
namespace {

using base::Result;

constexpr char kPingVersion = 1;

}  // namespace

std::string Serf::local_state(bool) {
  PushPull state{
      .LTime = clock_of_members_.time(),
      .EventLTime = clock_of_events_.time(),
      .Events = std::move(event_buffer_),  // lent for the encoding
      .QueryLTime = clock_of_queries_.time(),
  };
  state.StatusLTimes.make_present();
  state.LeftMembers.make_present();
  for (const auto& [name, member] : states_) state.StatusLTimes.emplace(name, member->status_time);
  state.LeftMembers.reserve(left_.size());
  for (const MemberState* member : left_) state.LeftMembers.push_back(member->member->Name);
  std::string encoded = encode(MessageType::push_pull, state);
  event_buffer_ = std::move(state.Events);
  return encoded;
}

void Serf::merge_remote_state(std::string_view encoded, bool join) {
  if (state_ == State::shutdown) return;
  if (encoded.empty()) {
    refuse(base::log::Level::error, "Remote state is zero bytes");
    return;
  }
  if (static_cast<MessageType>(encoded[0]) != MessageType::push_pull) {
    refuse(base::log::Level::error,
           "Remote state has bad type prefix: " + std::to_string(static_cast<unsigned char>(encoded[0])));
    return;
  }
  const Result<PushPull> state = decode<PushPull>(encoded.substr(1));
  if (!state) {
    refuse(base::log::Level::error, "Failed to decode remote state: " + state.error().detail);
    return;
  }
  // Nobody has used the time that the clock shows: it is for the next message.
  if (state->LTime > 0) clock_of_members_.witness(state->LTime - 1);
  if (state->EventLTime > 0) clock_of_events_.witness(state->EventLTime - 1);
  if (state->QueryLTime > 0) clock_of_queries_.witness(state->QueryLTime - 1);

  // Whoever left did so after its last intent that was heard. First these, so that clocks rise in that order.
  std::vector<std::string_view> left(state->LeftMembers.begin(), state->LeftMembers.end());
  std::ranges::sort(left);
  for (const std::string& name : state->LeftMembers) {
    const auto known = state->StatusLTimes.find(name);
    const LamportTime time = known == state->StatusLTimes.end() ? 0 : known->second;
    // Where that is known the time must not rise: with each exchange it would, and overtake an intent to prune.
    MemberState* member = find(name);
    if (member != nullptr && member->member->Status == MemberStatus::left) {
      member->status_time = std::max(member->status_time, time);
    } else {
      handle_leave({.LTime = time + 1, .Node = name});
    }
  }
  for (const auto& [name, time] : state->StatusLTimes) {
    if (!std::ranges::binary_search(left, std::string_view(name))) handle_join({.LTime = time, .Node = name});
  }

  if (join && ignore_old_events_) least_event_time_ = std::max(least_event_time_, state->EventLTime);
  for (const base::Pointer<UserEvents>& events : state->Events) {
    if (!events) continue;
    for (const UserEvent& event : events->Events) {
      handle_user_event({.LTime = events->LTime, .Name = event.Name, .Payload = event.Payload});
    }
  }
}

std::string Serf::ack_payload() {
  if (!coordinate_client_) return {};
  std::string payload(1, kPingVersion);
  base::append_msgpack(payload, coordinate_client_->coordinate(), base::MsgpackHandle::plain);
  return payload;
}

void Serf::ping_complete(const swim::Node& node, base::Duration round_trip, std::string_view payload) {
  if (!coordinate_client_ || payload.empty() || state_ == State::shutdown) return;
  if (payload[0] != kPingVersion) {
    refuse(base::log::Level::error,
           "Unsupported ping version: " + std::to_string(static_cast<unsigned char>(payload[0])));
    return;
  }
  Result<Coordinate> other = decode<Coordinate>(payload.substr(1));
  if (!other) {
    refuse(base::log::Level::error, "Failed to decode coordinate from ping: " + other.error().detail);
    return;
  }
  const Coordinate before = coordinate_client_->coordinate();
  if (Result<> updated = coordinate_client_->update(node.name, *other, round_trip); !updated) {
    metrics_.coordinate_rejected.add();
    log_.trace("serf: Rejected coordinate from " + node.name + ": " + updated.error().detail);
    return;
  }
  if (round_trip.nanoseconds == 0) metrics_.coordinate_zero_rtt.add();
  const Coordinate& own = coordinate_client_->coordinate();
  metrics_.coordinate_adjustment.add(static_cast<double>(distance(before, own).nanoseconds) / 1e6);
  coordinates_.insert(node.name, base::make_row(std::move(*other)));
  coordinates_.insert(settings_.node_name, base::make_row(own));
  observer_.view_changed();
}

}  // namespace proconsul::gossip::serf
