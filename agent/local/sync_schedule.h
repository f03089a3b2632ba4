// When this agent compares itself with the catalog: regularly, later after a failure, and soon after a server has come;
// spread at random, the wider the more agents there are, so that they do not all ask at once. Plain arithmetic.
#pragma once

#include <cstddef>

#include "base/clock.h"
#include "base/random.h"
#include "base/time.h"

namespace proconsul::agent::local {

class SyncSchedule {
 public:
  struct Options {
    base::Duration interval = base::seconds(60);  // between full comparisons, up to twice that
    /// The catalog is on other machines: whoever fails waits for long, at random. Else it is tried again soon at first,
    /// because a server that starts has no leader for a moment, then rarely.
    bool far = false;
  };
  SyncSchedule(Options options, base::Random& random) : options_(options), random_(random) {}

  /// Of the next comparison.
  base::MonotonicTime next() const { return next_; }
  void at_once(base::MonotonicTime now) {
    next_ = now;
    at_once_ = true;
  }
  /// A comparison begins. What is wanted from here on is not answered by it, however it ends.
  void begun() { at_once_ = server_came_ = false; }
  // `nodes`: how many agents there are.
  void compared(base::MonotonicTime now, std::size_t nodes);
  /// What changed was told.
  void told() { retry_ = kFirstRetry; }
  /// `compared`: it was a comparison that failed; else what was planned stays if it comes sooner.
  void failed(base::MonotonicTime now, std::size_t nodes, bool compared);
  /// Somebody has come who may know: waits for three seconds at most in a small cluster.
  void server_up(base::MonotonicTime now, std::size_t nodes);

  /// 1 up to 128 nodes, and one more for each doubling.
  static int spread(std::size_t nodes);

 private:
  static constexpr base::Duration kFirstRetry = base::milliseconds(20);
  static constexpr base::Duration kLastRetry = base::seconds(15);
  static constexpr base::Duration kServerUp = base::seconds(3);

  void recall(base::MonotonicTime now, std::size_t nodes);
  /// 0 up to so much, times the spread.
  base::Duration stagger(base::Duration most, std::size_t nodes);

  const Options options_;
  base::Random& random_;
  base::MonotonicTime next_{};
  base::Duration retry_ = kFirstRetry;
  bool at_once_ = false, server_came_ = false;  // since begun()
};

}  // namespace proconsul::agent::local
