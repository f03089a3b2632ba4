// How often this server does what Consul does by RPC: limits.request_limits for the whole server, limits.rpc_rate for
// this agent's own calls. An operation is counted by its row's RPC (Description::rpc).
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>

#include "agent/http/reply.h"
#include "base/token_bucket.h"

namespace proconsul::agent::http {

using base::TokenBucket;

class RequestLimits {
 public:
  enum class Mode : std::uint8_t { disabled, permissive, enforcing };
  /// Rates are operations a second; kUnlimited: no limit.
  struct Options {
    Mode mode = Mode::disabled;
    double read_rate = TokenBucket::kUnlimited, write_rate = TokenBucket::kUnlimited;
    double rpc_rate = TokenBucket::kUnlimited;
    std::int64_t rpc_burst = 1000;
  };

  /// From now on; what changes begins with a full bucket. Any thread.
  void set(const Options& options);
  /// 429 or 503 if an operation must not go on now; counts it. `rpc` is empty for what is no RPC. Any thread.
  std::optional<Reply> refuse(std::string_view rpc, bool writes, bool leads, std::string_view remote,
                              TokenBucket::Clock::time_point now = TokenBucket::Clock::now());
  /// The same for a call of a peer, which has limits of its own for its calls: the text of an error says why.
  base::Result<> refuse_call(std::string_view rpc, bool writes, bool leads, std::string_view from,
                             TokenBucket::Clock::time_point now = TokenBucket::Clock::now());

 private:
  /// Of the buckets of the server; with the lock.
  bool exceeded(std::string_view rpc, bool writes, std::string_view from, TokenBucket::Clock::time_point now);

  std::atomic<bool> unlimited_ = true;  // so that nobody waits for the lock who need not
  std::mutex mutex_{};
  Options options_{};
  TokenBucket read_{}, write_{}, rpc_{};
};

}  // namespace proconsul::agent::http
