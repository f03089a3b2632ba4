// Lamport's clock: a message's time is above all that its sender had seen (gossip.md B2).
#pragma once

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

#include "gossip/serf/message.h"

namespace proconsul::gossip::serf {

class LamportClock {
 public:
  LamportTime time() const { return time_; }
  void increment() { pass(time_); }
  /// Goes beyond what a message said.
  void witness(LamportTime seen) {
    if (seen >= time_) pass(seen);
  }
  /// `told` is called whenever the time grew.
  void when_moved(std::move_only_function<void()> told) { told_ = std::move(told); }

 private:
  // A time near the end, which only a forger sends, must not wrap the clock to the beginning.
  void pass(LamportTime seen) {
    time_ = std::min(seen, kMost - 1) + 1;
    if (told_) told_();
  }
  static constexpr LamportTime kMost = std::numeric_limits<LamportTime>::max();
  LamportTime time_ = 0;
  std::move_only_function<void()> told_{};
};

}  // namespace proconsul::gossip::serf
