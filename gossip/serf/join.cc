// Joining others: those that are named, and those known from before a restart.
#include <utility>

#include "gossip/ip_text.h"
#include "gossip/serf/serf.h"

namespace proconsul::gossip::serf {

using base::Errc;
using base::Result;

void Serf::join(std::vector<swim::Address> addresses, bool ignore_old, JoinDone done) {
  if (state_ != State::alive) {
    return done(Result<swim::JoinOutcome>(Errc::unavailable, "Serf can't Join after Leave or Shutdown"));
  }
  joins_.push_back({.addresses = std::move(addresses), .ignore_old = ignore_old, .done = std::move(done)});
  next_join();
}

void Serf::next_join() {
  // One at a time, so that what one of them ignores does not depend on another.
  if (join_runs_ || joins_.empty() || state_ == State::shutdown) return;
  join_runs_ = true;
  ignore_old_events_ = joins_.front().ignore_old;
  std::vector<swim::Address> addresses = std::move(joins_.front().addresses);
  membership_->join(std::move(addresses), [this, life = std::weak_ptr(life_)](swim::JoinOutcome outcome) {
    if (life.expired()) return;
    join_runs_ = false;
    ignore_old_events_ = false;
    if (outcome.joined > 0) broadcast_join(clock_of_members_.time());
    JoinDone done = std::move(joins_.front().done);
    joins_.pop_front();
    // Not from within the membership's own call.
    alarms_.after({}, [this] { next_join(); });
    done(std::move(outcome));
  });
}

void Serf::rejoin(std::vector<std::pair<std::string, std::string>> previous) {
  if (state_ != State::alive) return;
  std::optional<swim::Address> address;
  std::string shown;
  while (!previous.empty() && !address) {
    shown = previous.back().first + ": " + previous.back().second;
    address = parse_address(previous.back().second);
    if (address) address->node = previous.back().first;
    previous.pop_back();
    log_.info("serf: Attempting re-join to previously known node: " + shown);
  }
  if (!address) {
    log_.warn("serf: Failed to re-join any previously known node");
    return;
  }
  membership_->join({*address}, [this, life = std::weak_ptr(life_), shown,
                                 previous = std::move(previous)](const swim::JoinOutcome& outcome) mutable {
    if (life.expired()) return;
    if (outcome.joined > 0) {
      log_.info("serf: Re-joined to previously known node: " + shown);
      return;
    }
    alarms_.after({}, [this, previous = std::move(previous)]() mutable { rejoin(std::move(previous)); });
  });
}

}  // namespace proconsul::gossip::serf
