#include "gossip/serf/coalesce.h"

#include <utility>

namespace proconsul::gossip::serf {

void CoalesceTimer::gathered() {
  if (quantum_alarm_ == 0) quantum_alarm_ = alarms_.after(coalesce_, [this] { fire(); });
  if (quiescent_alarm_ != 0) alarms_.cancel(quiescent_alarm_);
  quiescent_alarm_ = alarms_.after(quiescent_, [this] { fire(); });
}

void CoalesceTimer::disarm() {
  alarms_.cancel(std::exchange(quantum_alarm_, 0));
  alarms_.cancel(std::exchange(quiescent_alarm_, 0));
}

void CoalesceTimer::fire() {
  disarm();
  flush_();
}

MemberCoalescer::MemberCoalescer(Alarms& alarms, base::Duration coalesce, base::Duration quiescent, Deliver deliver)
    : deliver_(std::move(deliver)), timer_(alarms, coalesce, quiescent, [this] { flush(); }) {}

void MemberCoalescer::add(const MemberEvent& event) {
  if (!timer_.enabled()) return deliver_(event);
  for (const MemberPtr& member : event.members) latest_[member->Name] = {event.type, member};
  timer_.gathered();
}

void MemberCoalescer::flush() {
  std::map<MemberEventType, MemberEvent> events;
  for (auto& [name, latest] : std::exchange(latest_, {})) {
    const auto before = delivered_.find(name);
    if (before != delivered_.end() && before->second == latest.type && latest.type != MemberEventType::update) continue;
    // A member that is gone for good needs no memory of what was last said about it.
    if (latest.type == MemberEventType::reap) {
      delivered_.erase(name);
    } else {
      delivered_[name] = latest.type;
    }
    MemberEvent& event = events[latest.type];
    event.type = latest.type;
    event.members.push_back(std::move(latest.member));
  }
  for (const auto& [type, event] : events) deliver_(event);
}

UserEventCoalescer::UserEventCoalescer(Alarms& alarms, base::Duration coalesce, base::Duration quiescent,
                                       Deliver deliver)
    : deliver_(std::move(deliver)), timer_(alarms, coalesce, quiescent, [this] { flush(); }) {}

void UserEventCoalescer::add(const UserEventMessage& event) {
  if (!event.CC || !timer_.enabled()) return deliver_(event);
  std::vector<UserEventMessage>& latest = latest_[event.Name];
  if (!latest.empty() && latest.front().LTime < event.LTime) latest.clear();
  if (latest.empty() || latest.front().LTime == event.LTime) latest.push_back(event);
  timer_.gathered();
}

void UserEventCoalescer::flush() {
  for (const auto& [name, events] : std::exchange(latest_, {})) {
    for (const UserEventMessage& event : events) deliver_(event);
  }
}

}  // namespace proconsul::gossip::serf
