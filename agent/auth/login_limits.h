// How many may log in by a method: how often, and how many tokens of it there
// may be at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/token_bucket.h"

namespace proconsul::agent::auth {

/// Safe from any thread.
class LoginLimits {
 public:
  struct Options {
    std::int64_t most_tokens = 0;  // acl.login.max_tokens_per_method; 0: any number
    std::int64_t rate = 0;         // acl.login.rate, a second; 0: any
    std::int64_t burst = 10;       // acl.login.burst
  };
  explicit LoginLimits(Options options);

  /// Held until the token of a login is there, or it failed.
  using Place = std::shared_ptr<void>;
  /// Before the method is asked who it is. Errors: too many log in by it now.
  base::Result<> may_try(std::string_view method, base::TokenBucket::Clock::time_point now);
  /// Before the token is made; `count` tells how many there are by now, up to a number that is enough. Errors: there
  /// are too many.
  template <class Count>
  base::Result<Place> place(std::string_view method, Count count) {
    if (options_.most_tokens <= 0) return Place();
    const std::lock_guard lock(mutex_);
    std::size_t& begun = begun_[std::string(method)];
    const auto most = static_cast<std::size_t>(options_.most_tokens);
    if (begun >= most || begun + count(most) >= most) return too_many(method);
    ++begun;
    return reserve(method);
  }

 private:
  base::Error too_many(std::string_view method) const;
  Place reserve(std::string_view method);

  const Options options_;
  std::mutex mutex_{};  // guards what follows
  std::map<std::string, base::TokenBucket> buckets_{};
  std::map<std::string, std::size_t> begun_{};  // tokens that are being made
};

}  // namespace proconsul::agent::auth
