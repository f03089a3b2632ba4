// What ?cached reads were asked before. The answers themselves are always fresh, since this agent has the state at
// hand; what is remembered is what Consul's cache would know, so that clients see the same hits, misses and ages.
#pragma once

#include <chrono>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/time.h"

namespace proconsul::agent::http {

/// Any thread. The least recently used are forgotten first.
class RememberedReads {
 public:
  using Clock = std::chrono::steady_clock;
  struct Rules {
    std::chrono::seconds idle = std::chrono::hours(72);  // forgotten when nobody asked for so long
    // What must be fetched again, although it is remembered. Consul obeys these only where it does not keep an answer
    // up to date by itself.
    std::optional<base::Duration> max_age{};
    bool revalidate = false;
  };
  /// How long ago the answer was fetched; nothing if it must be fetched.
  std::optional<Clock::duration> find(std::string_view key, const Rules& rules, Clock::time_point now = Clock::now());
  /// The answer is fetched now.
  void remember(std::string key, Clock::time_point now = Clock::now());

 private:
  struct Read {
    std::string key{};
    Clock::time_point fetched{}, used{};
  };
  void forget(std::list<Read>::iterator read);

  std::mutex mutex_{};
  std::list<Read> reads_{};  // the last used first
  std::unordered_map<std::string_view, std::list<Read>::iterator> by_key_{};
  std::size_t bytes_ = 0;
};

}  // namespace proconsul::agent::http
