#include "agent/server/leader_clocks.h"

#include <algorithm>

#include "agent/server/session_request.h"
#include "catalog/store/session.h"

namespace proconsul::agent::server {
namespace {

/// How long after a failed attempt to end a session the next one follows.
constexpr base::Duration kRetry = base::seconds(10);

}  // namespace

void LeaderClocks::note(const catalog::Effects& effects) {
  if (effects.lock_delays.empty() && effects.tombstone_index == 0) return;
  const std::lock_guard lock(mutex_);
  const base::MonotonicTime now = clock_.now();
  lock_delays_.take_expired(now);
  for (const auto& [key, delay] : effects.lock_delays) lock_delays_.set(key, now + delay);
  delayed_locks_.store(lock_delays_.size(), std::memory_order_release);
  if (leading_ && effects.tombstone_index != 0) tombstones_.hint(effects.tombstone_index, now);
}

void LeaderClocks::start(const catalog::Tables& tables, std::uint64_t last_index) {
  {
    const std::lock_guard lock(mutex_);
    leading_ = true;
    tombstones_.hint(last_index, clock_.now());
  }
  for (const catalog::SessionRow* row : catalog::session_list(tables, nullptr).sessions) restart_session(*row);
}

void LeaderClocks::stop() {
  const std::lock_guard lock(mutex_);
  leading_ = false;
  sessions_.clear();
  tombstones_.clear();
}

bool LeaderClocks::lock_delayed(std::string_view key) const {
  if (delayed_locks_.load(std::memory_order_acquire) == 0) return false;
  const std::lock_guard lock(mutex_);
  const auto deadline = lock_delays_.find(key);
  return deadline && *deadline > clock_.now();
}

bool LeaderClocks::restart_session(const catalog::Session& session) {
  const base::Duration ttl = session_ttl(session);
  if (ttl.nanoseconds <= 0) return false;
  const std::lock_guard lock(mutex_);
  if (!leading_) return false;
  const auto earliest = sessions_.earliest();
  const base::MonotonicTime deadline = clock_.now() + base::Duration{ttl.nanoseconds * kSessionTtlMultiplier};
  sessions_.set(session.ID, deadline);
  return !earliest || deadline < *earliest;
}

void LeaderClocks::stop_session(std::string_view id) {
  const std::lock_guard lock(mutex_);
  sessions_.erase(id);
}

std::size_t LeaderClocks::timed_sessions() const {
  const std::lock_guard lock(mutex_);
  return sessions_.size();
}

LeaderClocks::Expired LeaderClocks::take_expired() {
  const std::lock_guard lock(mutex_);
  const base::MonotonicTime now = clock_.now();
  return {.sessions = sessions_.take_expired(now), .tombstone_index = tombstones_.take_expired(now)};
}

void LeaderClocks::retry_session(std::string id) {
  const std::lock_guard lock(mutex_);
  if (leading_) sessions_.set(std::move(id), clock_.now() + kRetry);
}

std::optional<base::MonotonicTime> LeaderClocks::earliest() const {
  const std::lock_guard lock(mutex_);
  std::optional<base::MonotonicTime> first = sessions_.earliest();
  const std::optional<base::MonotonicTime> tombstones = tombstones_.earliest();
  if (!first || (tombstones && *tombstones < *first)) first = tombstones;
  return first;
}

}  // namespace proconsul::agent::server
