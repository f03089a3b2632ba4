// The controller of API gateways, on a thread of its own while this server leads.
#pragma once

#include "agent/server/api_gateway_controller.h"
#include "agent/server/leader_threads.h"
#include "agent/server/server.h"
#include "base/clock.h"

namespace proconsul::agent::server {

class ApiGatewayDuties {
 public:
  /// `clock` outlives it.
  explicit ApiGatewayDuties(const base::Clock& clock) : clock_(clock) {}

  /// From here on it may run. `server` is destroyed before this is, and not before this is stopped. Once.
  void open(Server& server);
  /// This server leads, as far as its state is current, or no longer. Any thread; returns at once.
  void lead(bool leading) { threads_.lead(leading); }
  /// No command is under way afterwards. Idempotent.
  void stop() { threads_.stop(); }

 private:
  const base::Clock& clock_;
  FiredWatches fired_{};
  LeaderThreads threads_{};
};

}  // namespace proconsul::agent::server
