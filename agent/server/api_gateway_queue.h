// Entries that wait to be looked at by the controller of API gateways, each once. On one thread.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "catalog/api_gateway/reconcile.h"

namespace proconsul::agent::server {

class ApiGatewayQueue {
 public:
  using Request = catalog::ReconcileRequest;

  /// Nothing happens if it waits already.
  void add(Request request) {
    if (std::ranges::find(waiting_, request) == waiting_.end()) waiting_.push_back(std::move(request));
  }
  /// In a while, which is twice as long after each failure until it succeeds.
  void retry(const Request& request, base::MonotonicTime now) {
    const int failures = failures_[request]++;
    const base::Duration wait = failures < kMostDoublings ? base::milliseconds(kFirstWaitMs << failures) : kLongestWait;
    const auto [at, is_new] = later_.try_emplace(request, now + wait);
    if (!is_new) at->second = std::min(at->second, now + wait);
  }
  void succeeded(const Request& request) { failures_.erase(request); }

  /// The next one, in the order in which they came; nothing: none is due.
  std::optional<Request> take(base::MonotonicTime now) {
    for (auto at = later_.begin(); at != later_.end();) {
      if (at->second > now) {
        ++at;
        continue;
      }
      add(at->first);
      at = later_.erase(at);
    }
    if (waiting_.empty()) return std::nullopt;
    Request next = std::move(waiting_.front());
    waiting_.pop_front();
    return next;
  }
  /// When the next of those is due that wait for another attempt.
  std::optional<base::MonotonicTime> due() const {
    const auto next = std::ranges::min_element(later_, {}, &decltype(later_)::value_type::second);
    return next == later_.end() ? std::nullopt : std::optional(next->second);
  }

 private:
  static constexpr std::int64_t kFirstWaitMs = 5;
  static constexpr int kMostDoublings = 18;
  static constexpr base::Duration kLongestWait = base::seconds(1000);

  std::deque<Request> waiting_{};
  std::map<Request, base::MonotonicTime> later_{};
  std::map<Request, int> failures_{};
};

}  // namespace proconsul::agent::server
