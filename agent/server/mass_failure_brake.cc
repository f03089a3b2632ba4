#include "agent/server/mass_failure_brake.h"

#include <utility>

namespace proconsul::agent::server {
namespace {

constexpr base::Duration kLookInterval = base::seconds(1);  // while some are held

}  // namespace

void MassFailureBrake::clear() {
  failures_.clear();
  state_ = {};
  due_.reset();
}

void MassFailureBrake::failed(const std::string& name, base::MonotonicTime now) {
  // Held until it was weighed with all that is told together with it.
  if (settings_.enabled) failures_.try_emplace(name, Failure{.since = now, .standing = Standing::held});
}

MassFailureBrake::Change MassFailureBrake::weigh(std::size_t alive, std::size_t suspect, base::MonotonicTime now) {
  const bool was_engaged = state_.engaged;
  bool some_expired = false;
  std::size_t counted = 0;
  for (auto at = failures_.begin(); at != failures_.end();) {
    Failure& failure = at->second;
    if (failure.standing == Standing::held && now - failure.since >= settings_.max_hold) {
      failure.standing = Standing::expired;
      some_expired = true;
    }
    if (failure.standing == Standing::marked && now - failure.since > settings_.window) {
      at = failures_.erase(at);
      continue;
    }
    if (failure.standing != Standing::expired) ++counted;
    ++at;
  }
  // Who is suspect is about to fail: the first of many are not marked before the others are seen to fail too.
  state_.failing = counted + suspect;
  state_.members = alive + counted;
  state_.engaged = settings_.enabled && state_.failing >= settings_.min_failed &&
                   state_.failing * 100 > static_cast<std::size_t>(settings_.max_failed_percent) * state_.members;
  state_.held = 0;
  for (auto& [name, failure] : failures_) {
    if (failure.standing != Standing::held) continue;
    if (state_.engaged) {
      ++state_.held;
    } else {
      failure = {.since = now, .standing = Standing::marked};
    }
  }
  // Suspicion alone holds nobody: there is nothing to tell yet.
  if (state_.held == 0) state_.engaged = false;
  due_.reset();
  if (state_.engaged) due_ = now + kLookInterval;
  if (some_expired) return Change::expired;
  if (state_.engaged == was_engaged) return Change::none;
  return state_.engaged ? Change::engaged : Change::released;
}

bool MassFailureBrake::holds(const std::string& name) const {
  const auto found = failures_.find(name);
  return found != failures_.end() && found->second.standing == Standing::held;
}

}  // namespace proconsul::agent::server
