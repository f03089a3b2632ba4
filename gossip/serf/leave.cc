// Leaving, and making others leave.
#include <utility>

#include "gossip/serf/serf.h"

namespace proconsul::gossip::serf {

using base::Errc;
using base::Result;

void Serf::broadcast_and_wait(std::string message, Done done) {
  const std::uint64_t id = ++next_wait_;
  Wait& wait = waits_[id];
  wait.done = std::move(done);
  wait.alarm = alarms_.after(settings_.broadcast_timeout,
                             [this, id] { end_wait(id, Result<>(Errc::timeout, "timed out broadcasting")); });
  spread(intent_queue_, std::move(message), [this, id, life = std::weak_ptr(life_)] {
    if (life.expired()) return;
    // Not from within the membership's own call.
    alarms_.after({}, [this, id] { end_wait(id, {}); });
  });
}

void Serf::end_wait(std::uint64_t id, Result<> result) {
  auto wait = waits_.extract(id);
  if (wait.empty()) return;
  alarms_.cancel(wait.mapped().alarm);
  wait.mapped().done(std::move(result));
}

void Serf::leave(Done done) {
  switch (state_) {
    case State::left:
      return done({});
    case State::leaving:
      return done(Result<>(Errc::unavailable, "Leave already in progress"));
    case State::shutdown:
      return done(Result<>(Errc::unavailable, "Leave called after Shutdown"));
    case State::alive:
      break;
  }
  state_ = State::leaving;
  if (snapshot_) snapshot_->leave(settings_.rejoin_after_leave);
  const LeaveIntent leave{.LTime = clock_of_members_.time(), .Node = settings_.node_name};
  clock_of_members_.increment();
  handle_leave(leave);
  std::string message = encode(MessageType::leave, leave);
  if (!has_other_alive()) {
    // Nobody to wait for; but who only seems to have failed still gets the news for a while.
    spread(intent_queue_, std::move(message));
    return leave_membership(std::move(done));
  }
  broadcast_and_wait(std::move(message), [this, done = std::move(done)](Result<> sent) mutable {
    if (state_ == State::shutdown) return done(std::move(sent));
    if (!sent) log_.warn("serf: timeout while waiting for graceful leave");
    leave_membership(std::move(done));
  });
}

void Serf::leave_membership(Done done) {
  // Kept among the waits, so that a shutdown in between answers it too.
  const std::uint64_t id = ++next_wait_;
  waits_[id].done = std::move(done);
  membership_->leave(settings_.broadcast_timeout, [this, id, life = std::weak_ptr(life_)](const Result<>& left) {
    if (life.expired()) return;
    if (!left) log_.warn("serf: timeout waiting for leave broadcast: " + left.error().detail);
    // The news was sent, but those who have not heard it yet still probe this node: it must answer for a while.
    alarms_.after(settings_.leave_propagate_delay, [this, id] {
      state_ = State::left;
      end_wait(id, {});
    });
  });
}

void Serf::force_leave(const std::string& node, bool prune, Done done) {
  const LeaveIntent leave{.LTime = clock_of_members_.time(), .Node = node, .Prune = prune};
  clock_of_members_.increment();
  handle_leave(leave);
  std::string message = encode(MessageType::leave, leave);
  if (!has_other_alive()) {
    spread(intent_queue_, std::move(message));
    return done({});
  }
  broadcast_and_wait(std::move(message), [done = std::move(done)](Result<> sent) mutable {
    if (!sent && sent.error().code == Errc::timeout) {
      sent = Result<>(Errc::timeout, "timed out broadcasting node removal");
    }
    done(std::move(sent));
  });
}

}  // namespace proconsul::gossip::serf
