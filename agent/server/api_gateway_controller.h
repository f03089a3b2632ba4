// Runs the controller of API gateways (catalog/api_gateway/reconcile.h) over the replicated state: notices what
// changes, and writes what is to be written.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "agent/server/api_gateway_queue.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "base/watch.h"
#include "catalog/store/store.h"

namespace proconsul::agent::server {

/// Which watches have fired. Outlives the server, whose last report may still be under way. One thread waits.
class FiredWatches final : public base::WakeSink {
 public:
  void wake(std::vector<std::uint64_t> tokens) override {
    const std::lock_guard lock(mutex_);
    tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
    changed_.notify_all();
  }
  /// Until one has fired, the time has passed or it is over.
  void wait(base::Duration most, const std::stop_token& over) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, over, std::chrono::nanoseconds(most.nanoseconds), [this] { return !tokens_.empty(); });
  }
  std::vector<std::uint64_t> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(tokens_, {});
  }

 private:
  std::mutex mutex_{};
  std::condition_variable_any changed_{};
  std::vector<std::uint64_t> tokens_{};
};

class ApiGatewayController {
 public:
  struct Means {
    std::function<catalog::ViewPtr()> view{};
    std::function<base::Watch(const base::KeySet& keys, std::uint64_t token)> watch{};  // into `fired`
    std::function<base::Result<>(std::string command)> apply{};  // waits until it is applied here
    const base::Clock* clock = nullptr;
    FiredWatches* fired = nullptr;
  };
  explicit ApiGatewayController(Means means) : means_(std::move(means)) {}

  /// Until `over`. Begins with all that there is.
  void run(const std::stop_token& over);
  /// Looks at the next entry; false: there is none.
  bool step();

 private:
  using Request = catalog::ReconcileRequest;
  using Known = std::map<Request, std::uint64_t>;  // -> ModifyIndex
  struct Followed {
    std::uint64_t token{};
    base::Watch watch{};
  };

  void notice();
  void take_fired();
  void reconcile(const Request& request);
  void follow(const Request& request, const base::KeySet& keys, const catalog::View& seen);

  const Means means_;
  const base::log::Logger log_{"agent.server.api_gateway_controller"};
  ApiGatewayQueue queue_{};
  base::Watch kinds_{};  // fires when any entry of those kinds changes
  bool begun_ = false;
  Known known_{};
  std::map<Request, Followed> followed_{};  // routes, and what their services depend on
  std::map<std::uint64_t, Request> routes_by_token_{};
  std::uint64_t last_token_ = 0;
};

}  // namespace proconsul::agent::server
