// Which lines of a kind are written when the same thing happens again and again.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

#include "base/token_bucket.h"

namespace proconsul::wanfed::gateway {

/// Of each kind some lines at once, then one in ten seconds; the next one tells how many were left out. Any thread.
template <std::size_t kKinds>
class Complaints {
 public:
  Complaints() {
    for (Kind& kind : kinds_) kind.bucket.set(0.1, 5);
  }
  /// Nothing: keep silent. Otherwise how many have been kept silent since the last one.
  std::optional<std::uint64_t> may(std::size_t kind, base::TokenBucket::Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    Kind& its = kinds_[kind];
    if (its.bucket.take(now)) return std::exchange(its.silent, 0);
    ++its.silent;
    return std::nullopt;
  }

 private:
  struct Kind {
    base::TokenBucket bucket{};
    std::uint64_t silent = 0;
  };
  std::mutex mutex_{};
  std::array<Kind, kKinds> kinds_{};
};

}  // namespace proconsul::wanfed::gateway
