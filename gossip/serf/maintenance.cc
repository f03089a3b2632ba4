// What is done from time to time: forgetting who is gone for long, trying those that failed, keeping queues and files
// in bounds (gossip.md B7).
#include "gossip/ip_text.h"
#include "gossip/serf/serf.h"

namespace proconsul::gossip::serf {
namespace {

constexpr base::Duration kSnapshotInterval = base::milliseconds(500);

}  // namespace

void Serf::reap() {
  reap(failed_, settings_.reconnect_timeout);
  reap(left_, settings_.tombstone_timeout);
  const base::MonotonicTime now = clock_.now();
  std::erase_if(recent_intents_,
                [&](const auto& intent) { return now - intent.second.heard > settings_.recent_intent_timeout; });
}

void Serf::reap(GoneList& list, base::Duration timeout) {
  for (std::size_t i = 0; i < list.size();) {
    MemberState& state = *list[i];
    const base::Duration kept =
        settings_.reconnect_timeout_of ? settings_.reconnect_timeout_of(*state.member, timeout) : timeout;
    if (clock_.now() - state.leave_time <= kept) {
      ++i;
      continue;
    }
    log_.info("serf: EventMemberReap: " + state.member->Name);
    erase(state);  // another one takes its place in the list
  }
}

void Serf::reconnect() {
  if (failed_.empty() || state_ != State::alive) return;
  // So likely that all who are alive together try each failed member about once in an interval.
  const std::size_t gone = failed_.size() + left_.size();
  const std::size_t alive = states_.size() > gone ? states_.size() - gone : 1;
  if (random_.unit() > static_cast<double>(failed_.size()) / static_cast<double>(alive)) {
    log_.debug("serf: forgoing reconnect for random throttling");
    return;
  }
  const Member& member = *failed_[random_.below(failed_.size())]->member;
  const swim::Address address{.ip = member.Addr, .port = member.Port, .node = member.Name};
  log_.info("serf: attempting reconnect to " + member.Name + " " + swim::to_string(address));
  membership_->join({address}, [](const swim::JoinOutcome&) {});
}

void Serf::check_queues() {
  check_queue("Intent", intent_queue_, metrics_.intent_queue);
  check_queue("Event", event_queue_, metrics_.event_queue);
  check_queue("Query", query_queue_, metrics_.query_queue);
  if (snapshot_) snapshot_soon();  // a slow disk may have refused what it was given long ago
}

void Serf::check_queue(const char* name, swim::BroadcastQueue& queue, base::metrics::Sample depth) {
  const std::size_t queued = queue.size();
  depth.add(static_cast<double>(queued));
  if (queued >= settings_.queue_depth_warning) {
    log_.warn(std::string("serf: ") + name + " queue depth: " + std::to_string(queued));
  }
  std::size_t most = settings_.max_queue_depth;
  if (settings_.min_queue_depth > 0) most = std::max(2 * states_.size(), settings_.min_queue_depth);
  if (queued <= most) return;
  log_.warn(std::string("serf: ") + name + " queue depth (" + std::to_string(queued) + ") exceeds limit (" +
            std::to_string(most) + "), dropping messages!");
  queue.prune(most);
}

/// What was recorded goes out with all that is recorded shortly after; while nothing is, nothing happens.
void Serf::snapshot_soon() {
  if (snapshot_armed_ || state_ == State::shutdown) return;
  snapshot_armed_ = true;
  alarms_.after(kSnapshotInterval, [this] {
    snapshot_armed_ = false;
    if (flush_snapshot()) snapshot_soon();
  });
}

bool Serf::flush_snapshot() {
  snapshot_->record_clock(clock_of_members_.time());
  return snapshot_->flush();
}

}  // namespace proconsul::gossip::serf
