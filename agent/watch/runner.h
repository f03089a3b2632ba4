// Runs a watch: asks, waits, hands news to a handler, until it is told to stop.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "agent/cli/api_client.h"
#include "agent/watch/plan.h"
#include "base/interrupt.h"
#include "base/log.h"

namespace proconsul::agent::watch {

/// Gets the view's index (0 for agent_service) and its data as JSON.
using Handler = std::function<void(std::uint64_t index, const std::string& json)>;

/// Follows the view on the calling thread until `stop` is raised. `client` must have been made with `stop` as its
/// interrupt and with the plan's datacenter and token. Failures are logged and tried again, later each time.
void follow(const Plan& plan, cli::ApiClient& client, base::Interrupt& stop, const Handler& handler,
            const base::log::Logger& log);

/// follow() on a thread of its own, with the plan's own handler (script, arguments or HTTP).
class Runner {
 public:
  /// `client`: how to reach the agent; the plan's datacenter and token are put into it. The error is that of
  /// ApiClient::make.
  static base::Result<std::unique_ptr<Runner>> start(Plan plan, cli::ApiConfig client, base::log::Logger log);
  /// Stops following and waits for the thread. A script that runs is left to itself.
  ~Runner();

  /// Ends the following, but lets a running handler come to its end: a handler may itself be what stops the watch
  /// (`consul reload`), so nobody waits here.
  void stop() { stop_.raise(); }
  /// Whether the thread is done, after stop().
  bool finished() const { return finished_; }

 private:
  Runner(Plan plan, base::log::Logger log) : plan_(std::move(plan)), log_(std::move(log)) {}

  const Plan plan_;
  const base::log::Logger log_;
  base::Interrupt abandon_{};  // also gives up on the handler
  base::Interrupt stop_{&abandon_};
  std::atomic<bool> finished_{};
  std::thread thread_{};
};

}  // namespace proconsul::agent::watch
