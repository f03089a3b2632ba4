#include "gossip/swim/core.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace proconsul::gossip::swim {

using base::Duration;
using base::Errc;
using base::MonotonicTime;
using base::Result;
using base::log::Level;

Core::Core(Config config, base::Random& random)
    : config_(std::move(config)),
      random_(random),
      queue_([this] { return members_.size(); }, config_.timing.retransmit_mult),
      awareness_(config_.timing.awareness_max_multiplier) {
  self_ = &members_.add(config_.name, random_);
  self_->address = config_.address;
  self_->versions = config_.versions;
  self_->state = NodeState::dead;  // until it starts
}

Core::~Core() = default;

Result<> Core::start(MonotonicTime now, Delegate& delegate) {
  if (config_.name.empty()) return {Errc::invalid_argument, "a member needs a name"};
  if (config_.address.ip.size() != 4 && config_.address.ip.size() != 16) {
    return {Errc::invalid_argument, "advertise address is no IP address"};
  }
  if (config_.wrapping.label.size() > 255) return {Errc::invalid_argument, "label is longer than 255 bytes"};
  delegate_ = &delegate;
  now_ = now;
  if (Result<> announced = announce({}); !announced) return announced.error();
  // Who is alone has nobody to probe or to gossip with, and sleeps: an idle agent costs nothing.
  every(config_.timing.push_pull_interval, Due::push_pull);
  return {};
}

void Core::begin_rounds() {
  if (std::exchange(rounds_run_, true)) return;
  every(config_.timing.probe_interval, Due::probe);
  const Duration interval = config_.timing.gossip_interval;
  if (interval.nanoseconds > 0) gossip_at_ = now_ + within(interval);
}

/// Begins somewhere within the interval, so that members that start together do not work in step. 0: never.
void Core::every(Duration interval, Due due) {
  if (interval.nanoseconds <= 0) return;
  arm(now_ + within(interval), due);
}

Duration Core::within(Duration interval) {
  return {static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(interval.nanoseconds)))};
}

void Core::gossip_soon() {
  const Duration interval = config_.timing.gossip_interval;
  if (gossip_armed_ || !rounds_run_ || config_.timing.gossip_nodes <= 0 || interval.nanoseconds <= 0) return;
  if (const std::int64_t late = (now_ - gossip_at_).nanoseconds; late >= 0) {
    gossip_at_ = gossip_at_ + Duration{(late / interval.nanoseconds + 1) * interval.nanoseconds};
  }
  gossip_armed_ = true;
  arm(gossip_at_, Due::gossip);
}

void Core::arm(MonotonicTime at, Due due, std::uint64_t id) {
  timers_.push({.at = at, .order = ++timer_order_, .due = due, .id = id});
}

MonotonicTime Core::next_due() {
  while (!timers_.empty() && is_void(timers_.top())) timers_.pop();
  return timers_.empty() ? MonotonicTime{std::numeric_limits<std::int64_t>::max()} : timers_.top().at;
}

bool Core::is_void(const Timer& timer) const {
  switch (timer.due) {
    case Due::probe_timeout:
    case Due::probe_end:
      return !probe_ || probe_->sequence != timer.id;
    case Due::relay:
      return !relays_.contains(static_cast<std::uint32_t>(timer.id));
    case Due::suspicion:
      return !suspects_.contains(timer.id);
    case Due::stream:
      return !streams_.contains(timer.id);
    case Due::wait:
      return !waits_.contains(timer.id);
    case Due::probe:
    case Due::probe_now:
    case Due::gossip:
    case Due::push_pull:
      break;
  }
  return false;
}

void Core::tick(MonotonicTime now) {
  now_ = now;
  while (!timers_.empty() && timers_.top().at <= now) {
    const Timer timer = timers_.top();
    timers_.pop();
    fire(timer);
  }
}

void Core::fire(const Timer& timer) {
  // Ticks that were missed are not made up for.
  const auto next = [&](Duration interval) {
    const MonotonicTime then = timer.at + interval;
    return then > now_ ? then : now_ + interval;
  };
  const auto again = [&](Duration interval) { arm(next(interval), timer.due); };
  switch (timer.due) {
    case Due::probe:
      again(config_.timing.probe_interval);
      if (probe_) {
        probe_due_ = true;
      } else {
        probe_next();
      }
      break;
    case Due::probe_now:
      if (!probe_) probe_next();
      break;
    case Due::gossip:
      gossip_armed_ = false;
      gossip_at_ = next(config_.timing.gossip_interval);
      gossip();
      if (queue_.size() > 0 || delegate_->has_broadcasts()) gossip_soon();
      break;
    case Due::push_pull:
      again(push_pull_scale(config_.timing.push_pull_interval, members_.size()));
      push_pull_with_anybody();
      break;
    case Due::probe_timeout:
      if (probe_ && probe_->sequence == timer.id) {
        say(Level::debug, "Failed UDP ping: ", probe_->node, " (timeout reached)");
        probe_indirectly(*probe_);
      }
      break;
    case Due::probe_end:
      if (probe_ && probe_->sequence == timer.id) probe_failed();
      break;
    case Due::relay:
      relay_over(static_cast<std::uint32_t>(timer.id));
      break;
    case Due::suspicion:
      // A confirmation may have brought the end nearer, and the member may be alive again: then there is another timer,
      // or none.
      if (const auto found = suspects_.find(timer.id); found != suspects_.end()) {
        if (found->second->suspicion->deadline() <= now_) suspicion_over(*found->second);
      }
      break;
    case Due::stream:
      stream_overdue(timer.id);
      break;
    case Due::wait:
      if (const auto found = waits_.find(timer.id); found != waits_.end()) {
        Wait over = std::move(found->second);
        waits_.erase(found);
        if (over.met) {
          over.done({});
        } else {
          over.done(Result<>(Errc::timeout, "timeout waiting for " + std::string(over.what) + " broadcast"));
        }
      }
      break;
  }
}

std::uint64_t Core::wait(Duration timeout, std::string_view what, Done done) {
  const std::uint64_t id = ++next_id_;
  waits_.emplace(id, Wait{.done = std::move(done), .what = what});
  if (timeout.nanoseconds > 0) arm(now_ + timeout, Due::wait, id);
  return id;
}

/// Told with the next tick: this happens in the middle of sending.
void Core::met(std::uint64_t wait) {
  const auto found = waits_.find(wait);
  if (found == waits_.end()) return;
  found->second.met = true;
  arm(now_, Due::wait, wait);
}

std::vector<const Node*> Core::members() const {
  std::vector<const Node*> found;
  found.reserve(alive_count_);
  for (const auto& member : members_.all()) {
    if (!is_gone(*member)) found.push_back(member.get());
  }
  return found;
}

std::array<std::size_t, 4> Core::members_by_state() const {
  std::array<std::size_t, 4> counts{};
  for (const auto& member : members_.all()) ++counts[static_cast<std::size_t>(member->state)];
  return counts;
}

bool Core::anybody_else() const {
  return alive_count_ > (is_gone(*self_) ? 0u : 1u);
}

/// Says anew what this node is: it starts, or its metadata changed.
Result<> Core::announce(Sent sent) {
  std::string meta = delegate_->node_meta();
  if (meta.size() > kMetaLimit) {
    return {Errc::invalid_argument, "Node meta data provided is longer than the limit: " + std::to_string(meta.size()) +
                                        " of at most " + std::to_string(kMetaLimit) + " bytes"};
  }
  alive({.Incarnation = next_incarnation(),
         .Node = config_.name,
         .Addr = RawAddress(config_.address.ip),
         .Port = config_.address.port,
         .Meta = base::Bytes(std::move(meta)),
         .Vsn = base::Bytes(std::string(config_.versions.begin(), config_.versions.end()))},
        true, std::move(sent));
  return {};
}

void Core::update_node(Duration timeout, Done done) {
  if (left_) return done(Result<>(Errc::unavailable, "this node has left its pool"));
  const std::uint64_t id = wait(timeout, "update", std::move(done));
  Result<> announced = announce([this, id] { met(id); });
  if (!announced) {
    Done failed = std::move(waits_.find(id)->second.done);
    waits_.erase(id);
    failed(std::move(announced));
  } else if (!anybody_else()) {
    met(id);
  }
}

void Core::leave(Duration timeout, Done done) {
  const std::uint64_t id = wait(timeout, "leave", std::move(done));
  if (left_) {
    met(id);
    return;
  }
  left_ = true;
  dead({.Incarnation = self_->incarnation, .Node = config_.name, .From = config_.name}, [this, id] { met(id); });
  if (!anybody_else()) met(id);
}

std::uint32_t Core::next_incarnation() {
  if (incarnation_ == std::numeric_limits<std::uint32_t>::max()) {
    say(Level::error, "the incarnation number cannot grow any more; give this node another name");
    return incarnation_;
  }
  return ++incarnation_;
}

void Core::refuse(Level level, const Address& from, std::string_view what, std::string_view why) {
  constexpr Duration kWhile = base::seconds(10);
  constexpr int kLines = 20;
  if (now_ - refusals_since_ >= kWhile) {
    if (refusals_ > kLines) say(Level::warn, "refused ", refusals_ - kLines, " more packets and streams like these");
    refusals_since_ = now_;
    refusals_ = 0;
  }
  if (++refusals_ <= kLines) say(level, what, why, " from=", from);
}

}  // namespace proconsul::gossip::swim
