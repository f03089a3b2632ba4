// What an agent measures of itself: the configuration of the metrics, and the gauges that are read when they are shown.
#pragma once

#include <functional>

#include "agent/config/config.h"
#include "agent/server/server.h"

namespace proconsul::agent {

class Telemetry {
 public:
  /// `server` outlives it.
  Telemetry(const config::Config& config, server::Server& server);
  ~Telemetry();
  Telemetry(const Telemetry&) = delete;

 private:
  std::function<void()> stop_{};
};

}  // namespace proconsul::agent
