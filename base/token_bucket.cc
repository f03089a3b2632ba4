#include "base/token_bucket.h"

#include <algorithm>

namespace proconsul::base {

void TokenBucket::set(double rate, std::int64_t burst) {
  rate_ = rate;
  burst_ = tokens_ = static_cast<double>(burst);
  filled_ = {};
}

bool TokenBucket::take(Clock::time_point now) {
  if (rate_ == kUnlimited) return true;
  if (filled_ != Clock::time_point{} && rate_ > 0) {
    const double passed = std::chrono::duration<double>(std::max(now - filled_, Clock::duration{})).count();
    tokens_ = std::min(burst_, tokens_ + passed * rate_);
  }
  filled_ = now;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

}  // namespace proconsul::base
