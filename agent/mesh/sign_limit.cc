#include "agent/mesh/sign_limit.h"

#include <algorithm>

namespace proconsul::agent::mesh {

namespace {

constexpr double kSecond = 1e9;

}  // namespace

std::optional<base::Duration> SignLimit::take(double per_second, base::MonotonicTime now) {
  if (per_second <= 0) return base::Duration{};
  if (per_second != per_second_) {  // as it was configured anew
    per_second_ = per_second;
    ready_ = 1;
    at_ = now;
  }
  const double passed = static_cast<double>((now - at_).nanoseconds) / kSecond;
  const double ready = std::min(1.0, ready_ + passed * per_second);
  const double wait = ready >= 1 ? 0 : (1 - ready) / per_second * kSecond;
  if (wait > static_cast<double>(kSignPatience.nanoseconds)) return std::nullopt;
  ready_ = ready - 1;
  at_ = now;
  return base::Duration{static_cast<std::int64_t>(wait)};
}

bool SignLimit::enter(std::int64_t most) {
  if (most > 0 && inside_ >= most) return false;
  ++inside_;
  return true;
}

}  // namespace proconsul::agent::mesh
