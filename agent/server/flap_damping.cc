#include "agent/server/flap_damping.h"

#include <algorithm>

namespace proconsul::agent::server {

bool FlapDamping::changed(const std::string& name, bool alive, base::MonotonicTime now) {
  if (!settings_.enabled) return false;
  auto found = members_.find(name);
  if (found == members_.end()) {
    if (alive) return false;
    found = members_.try_emplace(name).first;
  }
  Member& member = found->second;
  if (member.alive == alive) return false;
  member.alive = alive;
  member.changes.push_back(now);
  while (now - member.changes.front() > settings_.window) member.changes.pop_front();
  if (member.damped || member.changes.size() <= settings_.max_changes) return false;
  member.damped = true;
  return true;
}

bool FlapDamping::damps(const std::string& name) const {
  const auto found = members_.find(name);
  return found != members_.end() && found->second.damped;
}

std::size_t FlapDamping::changes(const std::string& name) const {
  const auto found = members_.find(name);
  return found == members_.end() ? 0 : found->second.changes.size();
}

bool FlapDamping::end_stable(base::MonotonicTime now) {
  bool ended = false;
  std::erase_if(members_, [&](const auto& entry) {
    const Member& member = entry.second;
    const base::Duration quiet = now - member.changes.back();
    if (settings_.enabled && quiet < (member.damped ? settings_.stable_time : settings_.window)) return false;
    ended = ended || member.damped;
    return true;
  });
  return ended;
}

std::optional<base::MonotonicTime> FlapDamping::due() const {
  std::optional<base::MonotonicTime> earliest;
  for (const auto& [name, member] : members_) {
    if (!member.damped) continue;
    const base::MonotonicTime at = member.changes.back() + settings_.stable_time;
    if (!earliest || at < *earliest) earliest = at;
  }
  return earliest;
}

std::size_t FlapDamping::count() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(members_, [](const auto& entry) { return entry.second.damped; }));
}

}  // namespace proconsul::agent::server
