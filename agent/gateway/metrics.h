// What a gateway counts, among the metrics of the process (base/metrics.h): of the whole, and of each route.
#pragma once

#include <functional>
#include <memory>

#include "wanfed/gateway/gateway.h"

namespace proconsul::agent::gateway {

/// While it lives. The gateway outlives it.
class Metrics {
 public:
  explicit Metrics(const wanfed::gateway::Gateway& gateway);
  ~Metrics();
  Metrics(const Metrics&) = delete;

 private:
  std::function<void()> stop_;
};

}  // namespace proconsul::agent::gateway
