// Keys that each run out at some time: session TTLs, lock delays. Plain data with `now` passed in; not thread-safe.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace proconsul::agent::server {

class Deadlines {
 public:
  using Instant = base::MonotonicTime;

  /// Sets or moves the key's deadline.
  void set(std::string key, Instant deadline) {
    erase(key);
    ordered_.emplace(deadline, key);
    by_key_.emplace(std::move(key), deadline);
  }
  void erase(std::string_view key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return;
    ordered_.erase({found->second, found->first});
    by_key_.erase(found);
  }
  void clear() {
    by_key_.clear();
    ordered_.clear();
  }
  std::optional<Instant> find(std::string_view key) const {
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? std::nullopt : std::optional(found->second);
  }
  std::optional<Instant> earliest() const {
    return ordered_.empty() ? std::nullopt : std::optional(ordered_.begin()->first);
  }
  /// Removes and returns the keys whose deadline is at or before `now`, the earliest first.
  std::vector<std::string> take_expired(Instant now) {
    std::vector<std::string> expired;
    while (!ordered_.empty() && ordered_.begin()->first <= now) {
      by_key_.erase(ordered_.begin()->second);
      expired.push_back(std::move(ordered_.extract(ordered_.begin()).value().second));
    }
    return expired;
  }
  std::size_t size() const { return by_key_.size(); }

 private:
  std::map<std::string, Instant, std::less<>> by_key_{};
  std::set<std::pair<Instant, std::string>> ordered_{};
};

}  // namespace proconsul::agent::server
