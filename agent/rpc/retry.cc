#include "agent/rpc/retry.h"

#include <algorithm>

#include "agent/rpc/cluster.h"
#include "agent/rpc/pool.h"

namespace proconsul::agent::rpc {
namespace {

constexpr std::int64_t kFraction = 16;  // the first pause, of the hold timeout
constexpr std::int64_t kLeastPause = 1'000'000;

}  // namespace

bool Retry::is_worth_it(std::string_view error) const {
  const auto says = [&](std::string_view text) { return error.find(text) != error.npos; };
  // "getting client": there was no connection, so nothing was sent.
  if (says(kNoLeader) || says("rpc error getting client") || says("please resubmit call for rechunking")) return true;
  if (whom_ == Of::any_server && says("rate limit exceeded, try again later or against a different server"))
    return true;
  if (whom_ == Of::the_leader &&
      says("rate limit exceeded for operation that can only be performed by the leader, try again later")) {
    return true;
  }
  return method_.reads() && is_eof(error);
}

std::optional<base::net::Clock::duration> Retry::after(const base::Error& error, const Invocation& invocation,
                                                       base::net::Clock::time_point now, base::Random& random) {
  std::int64_t limit = times_.rpc_hold_timeout.nanoseconds;
  if (const catalog::QueryOptions* query = invocation.query(); query != nullptr && query->MinQueryIndex > 0) {
    limit += times_.wait_of(*query).nanoseconds;
  }
  if (std::chrono::nanoseconds(now - begun_).count() > limit || !is_worth_it(error.detail)) return std::nullopt;
  const std::int64_t longest = std::max(times_.rpc_hold_timeout.nanoseconds / kFraction, kLeastPause)
                               << std::min(attempts_++, 20);
  if (pause_ < longest) {
    pause_ += static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(longest - pause_)));
  }
  return std::chrono::nanoseconds(pause_);
}

}  // namespace proconsul::agent::rpc
