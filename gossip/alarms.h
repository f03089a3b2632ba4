// What shall happen later on one thread, in order of time; the time comes from outside.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "base/clock.h"

namespace proconsul::gossip {

class Alarms {
 public:
  using Task = std::move_only_function<void()>;
  using Id = std::uint64_t;  // 0 is none

  explicit Alarms(const base::Clock& clock) : clock_(clock) {}
  Alarms(const Alarms&) = delete;
  Alarms& operator=(const Alarms&) = delete;

  base::MonotonicTime now() const { return clock_.now(); }
  Id after(base::Duration delay, Task task);
  void cancel(Id id);
  /// When run_due() has something to do.
  std::optional<base::MonotonicTime> next() const;
  /// Runs what is due. What tasks set for now or earlier waits for the next call, so that it always ends.
  void run_due();
  /// `told` is called when next() became earlier, at once; not while run_due() runs.
  void when_earlier(std::move_only_function<void()> told) { told_ = std::move(told); }
  void clear();

 private:
  using Place = std::pair<base::MonotonicTime, Id>;
  const base::Clock& clock_;
  Id next_id_ = 0;
  bool running_ = false;
  std::map<Place, Task> tasks_{};
  std::map<Id, base::MonotonicTime> times_{};
  std::move_only_function<void()> told_{};
};

}  // namespace proconsul::gossip
