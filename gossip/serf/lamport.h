// Lamport's clock: a message's time is above all that its sender had seen (gossip.md B2).
#pragma once

#include <algorithm>
#include <limits>

#include "gossip/serf/message.h"

namespace proconsul::gossip::serf {

class LamportClock {
 public:
  LamportTime time() const { return time_; }
  // A time near the end, which only a forger sends, must not wrap the clock to the beginning.
  void increment() { time_ = std::min(time_, kMost - 1) + 1; }
  /// Goes beyond what a message said.
  void witness(LamportTime seen) {
    if (seen >= time_) time_ = std::min(seen, kMost - 1) + 1;
  }

 private:
  static constexpr LamportTime kMost = std::numeric_limits<LamportTime>::max();
  LamportTime time_ = 0;
};

}  // namespace proconsul::gossip::serf
