#include "agent/server/replication_rounds.h"

#include <algorithm>
#include <utility>

namespace proconsul::agent::server {
namespace {

constexpr base::Duration kFirstPause = base::milliseconds(250);  // a server that went is soon known to be gone
constexpr int kMostDoublings = 8;                                // 64 seconds
constexpr base::Duration kLook = base::seconds(1);
constexpr double kRowsASecond = 10'000;
constexpr double kMostRounds = 10;  // times those that were set

}  // namespace

ReplicationRounds::ReplicationRounds(double rounds_a_second, std::int64_t burst, const base::Clock& clock,
                                     ReplicationPause pause)
    : rounds_a_second_(rounds_a_second),
      rate_(rounds_a_second),
      burst_(static_cast<double>(burst)),
      clock_(clock),
      pause_(std::move(pause)),
      turns_(burst_),
      turns_at_(clock.now()) {}

bool ReplicationRounds::wait_for_turn() {
  for (;;) {
    const base::MonotonicTime now = clock_.now();
    const double seconds = static_cast<double>((now - turns_at_).nanoseconds) / 1e9;
    turns_ = std::min(burst_, turns_ + seconds * rate_);
    turns_at_ = now;
    if (turns_ >= 1) break;
    const double missing = (1 - turns_) / rate_;
    if (!pause_(base::Duration{static_cast<std::int64_t>(missing * 1e9) + 1})) return false;
  }
  turns_ -= 1;
  return pause_({});
}

void ReplicationRounds::listed(std::size_t rows) {
  const double affordable = kRowsASecond / static_cast<double>(std::max<std::size_t>(rows, 1));
  rate_ = std::clamp(affordable, rounds_a_second_, kMostRounds * rounds_a_second_);
}

bool ReplicationRounds::back_off(int failures, const std::function<bool()>& changed) {
  const base::MonotonicTime end = clock_.now() + base::Duration{kFirstPause.nanoseconds << std::min(failures, kMostDoublings)};
  while (clock_.now() < end && !(changed && changed())) {
    if (!pause_(std::min(kLook, end - clock_.now()))) return false;
  }
  return true;
}

}  // namespace proconsul::agent::server
