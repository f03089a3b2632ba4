// How long one member stays suspect: the more others say so too, the shorter (Lifeguard, gossip.md A6).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/time.h"

namespace proconsul::gossip::swim {

class Suspicion {
 public:
  /// `wanted`: how many confirmations bring the time down from `most` to `least`; 0: it is `least` at once.
  Suspicion(std::string_view from, int wanted, base::Duration least, base::Duration most, base::MonotonicTime start);

  /// Whether this is news: not from one that said so before, nor beyond the wanted number.
  bool confirm(std::string_view from);
  /// When the member is dead.
  base::MonotonicTime deadline() const { return deadline_; }
  int confirmations() const { return static_cast<int>(said_.size()) - 1; }
  int wanted() const { return wanted_; }

 private:
  int wanted_;
  base::Duration least_;
  base::Duration most_;
  base::MonotonicTime start_;
  base::MonotonicTime deadline_;
  std::vector<std::string> said_;  // a handful
};

/// Lifeguard's local health: 0 is best, each point makes the probe interval longer by once itself.
class Awareness {
 public:
  explicit Awareness(int bound) : bound_(bound) {}
  void apply(int delta);
  int score() const { return score_; }
  base::Duration scale(base::Duration interval) const { return {interval.nanoseconds * (score_ + 1)}; }

 private:
  int bound_;  // scores stay below it
  int score_ = 0;
};

}  // namespace proconsul::gossip::swim
