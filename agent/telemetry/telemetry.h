// What an agent measures of itself: the configuration of the metrics, and the gauges that are read when they are shown.
#pragma once

#include <functional>
#include <string>

#include "agent/config/config.h"
#include "agent/telemetry/push.h"
#include "base/metrics.h"

namespace proconsul::agent {

/// What telemetry { ... } says, for base::metrics::configure() and MetricsPush::start().
base::metrics::Options metrics_options(const config::Config& config);
PushOptions push_options(const config::Config& config);

class Telemetry {
 public:
  /// `more` reads gauges that are not every agent's.
  Telemetry(const config::Config& config, std::function<void()> more);
  ~Telemetry();
  Telemetry(const Telemetry&) = delete;

 private:
  std::function<void()> stop_{};
};

}  // namespace proconsul::agent
