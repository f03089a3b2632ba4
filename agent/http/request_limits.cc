#include "agent/http/request_limits.h"

#include <algorithm>
#include <string>

#include "base/log.h"
#include "base/metrics.h"

namespace proconsul::agent::http {
namespace {

const base::log::Logger kLog("agent.server.rpc-rate-limit");
constexpr std::int64_t kBurstSeconds = 10;
constexpr std::string_view kRetryLater =
    "rate limit exceeded for operation that can only be performed by the leader, try again later";
constexpr std::string_view kRetryElsewhere = "rate limit exceeded, try again later or against a different server";

/// Whole operations a second, ten seconds' worth of them at once: a rate below one lets nothing through.
std::int64_t burst_of(double rate) {
  constexpr double kMost = 1e15;
  return static_cast<std::int64_t>(std::clamp(rate, 0.0, kMost)) * kBurstSeconds;
}

}  // namespace

void RequestLimits::set(const Options& options) {
  std::lock_guard lock(mutex_);
  if (options.read_rate != options_.read_rate) read_.set(options.read_rate, burst_of(options.read_rate));
  if (options.write_rate != options_.write_rate) write_.set(options.write_rate, burst_of(options.write_rate));
  if (options.rpc_rate != options_.rpc_rate || options.rpc_burst != options_.rpc_burst) {
    rpc_.set(options.rpc_rate, options.rpc_burst);
  }
  options_ = options;
  unlimited_ = options.mode == Mode::disabled && options.rpc_rate == TokenBucket::kUnlimited;
}

std::optional<Reply> RequestLimits::refuse(std::string_view rpc, bool writes, bool leads, std::string_view remote,
                                           TokenBucket::Clock::time_point now) {
  if (rpc.empty()) return std::nullopt;
  if (unlimited_) return std::nullopt;
  std::lock_guard lock(mutex_);
  if (!rpc_.take(now)) {
    static const base::metrics::Counter kExceeded = base::metrics::counter("client.rpc.exceeded");
    kExceeded.add();
    return text(429, "RPC rate limit exceeded");
  }
  if (!exceeded(rpc, writes, remote, now)) return std::nullopt;
  if (writes && leads) return text(503, std::string(kRetryLater));
  return text(429, std::string(kRetryElsewhere));
}

base::Result<> RequestLimits::refuse_call(std::string_view rpc, bool writes, bool leads, std::string_view from,
                                          TokenBucket::Clock::time_point now) {
  if (unlimited_) return {};
  std::lock_guard lock(mutex_);
  if (!exceeded(rpc, writes, from, now)) return {};
  return {base::Errc::unavailable, std::string(writes && leads ? kRetryLater : kRetryElsewhere)};
}

bool RequestLimits::exceeded(std::string_view rpc, bool writes, std::string_view from,
                             TokenBucket::Clock::time_point now) {
  // What an operator needs to mend an overloaded cluster is never limited.
  if (options_.mode == Mode::disabled || rpc.starts_with("Operator.") || rpc.starts_with("Status.")) return false;
  if ((writes ? write_ : read_).take(now)) return false;
  const bool enforced = options_.mode == Mode::enforcing;
  const std::string_view kind = writes ? "global/write" : "global/read";
  kLog.debug("RPC exceeded allowed rate limit",
             {{"rpc", rpc}, {"source_addr", from}, {"limit_type", kind}, {"limit_enforced", enforced}});
  base::metrics::counter(
      "rpc.rate_limit.exceeded",
      {{"limit_type", std::string(kind)}, {"op", std::string(rpc)}, {"mode", enforced ? "enforcing" : "permissive"}})
      .add();
  return enforced;
}

}  // namespace proconsul::agent::http
