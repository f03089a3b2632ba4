// How often a primary datacenter is looked at by who copies from it: so many rounds a second in the long run, and
// fewer while it cannot be asked. It waits only through what it is given. On one thread.
#pragma once

#include <cstdint>
#include <functional>

#include "base/clock.h"
#include "base/time.h"

namespace proconsul::agent::server {

/// False: over.
using ReplicationPause = std::function<bool(base::Duration)>;

class ReplicationRounds {
 public:
  /// `clock` outlives it.
  ReplicationRounds(double rounds_a_second, std::int64_t burst, const base::Clock& clock, ReplicationPause pause);

  /// False: over.
  bool wait_for_turn();
  /// What the round's look at the primary brought: those that bring little cost little, and up to ten times as many of
  /// them are made, so that a token that is taken away soon after it was made goes as soon.
  void listed(std::size_t rows);
  /// After so many failures one after the other; shorter if `changed` says that it may go better now. False: over.
  bool back_off(int failures, const std::function<bool()>& changed = {});

 private:
  const double rounds_a_second_;
  double rate_;  // rounds a second, by what the last one brought
  const double burst_;
  const base::Clock& clock_;
  const ReplicationPause pause_;
  double turns_;  // that may be taken at once
  base::MonotonicTime turns_at_;
};

}  // namespace proconsul::agent::server
