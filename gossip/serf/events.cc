// User events: small news that reach everybody once (gossip.md B5).
#include <algorithm>
#include <utility>

#include "gossip/serf/serf.h"

namespace proconsul::gossip::serf {

using base::Errc;
using base::Result;

namespace {

/// Events of one Lamport time: as many as there may be members that all tell something at once.
constexpr std::size_t kMostAtOneTime = 16384;

}  // namespace

Result<> Serf::user_event(const std::string& name, base::Bytes payload, bool coalesce) {
  const auto too_large = [](std::string_view what, std::size_t limit, std::string_view when) {
    return Result<>(Errc::too_large, std::string(what) + std::to_string(limit) + " bytes " + std::string(when));
  };
  if (name.size() + payload.size() > settings_.user_event_size_limit) {
    return too_large("user event exceeds configured limit of ", settings_.user_event_size_limit, "before encoding");
  }
  const UserEventMessage event{
      .LTime = clock_of_events_.time(), .Name = name, .Payload = std::move(payload), .CC = coalesce};
  std::string encoded = encode(MessageType::user_event, event);
  if (encoded.size() > settings_.user_event_size_limit) {
    return too_large("encoded user event exceeds configured limit of ", settings_.user_event_size_limit,
                     "after encoding");
  }
  clock_of_events_.increment();
  handle_user_event(event);
  spread(event_queue_, std::move(encoded));
  return {};
}

bool Serf::handle_user_event(const UserEventMessage& event) {
  if (base::log::Logger::enabled(base::log::Level::debug)) log_.debug("serf: messageUserEventType: " + event.Name);
  clock_of_events_.witness(event.LTime);
  if (event.LTime < least_event_time_) return false;

  const LamportTime now = clock_of_events_.time();
  const std::size_t slots = event_buffer_.size();
  if (now > slots && event.LTime < now - slots) {
    refuse(base::log::Level::warn, "received old event " + event.Name + " from time " + std::to_string(event.LTime) +
                                       " (current: " + std::to_string(now) + ")");
    return false;
  }
  base::Pointer<UserEvents>& slot = event_buffer_[event.LTime % slots];
  if (!slot || slot->LTime != event.LTime) slot = base::Pointer<UserEvents>(UserEvents{.LTime = event.LTime});
  const bool seen = std::ranges::any_of(slot->Events, [&](const UserEvent& known) {
    return known.Name == event.Name && static_cast<const std::string&>(known.Payload) == event.Payload;
  });
  if (seen || slot->Events.size() >= kMostAtOneTime) return false;
  slot->Events.push_back({.Name = event.Name, .Payload = event.Payload});

  metrics_.count("events", event.Name);
  if (snapshot_) {
    snapshot_->record_user_event(event.LTime);
    snapshot_soon();
  }
  user_event_coalescer_.add(event);
  return true;
}

}  // namespace proconsul::gossip::serf
