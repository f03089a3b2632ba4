// The metrics of the process for who collects them, where there is no agent that shows them.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "base/interrupt.h"
#include "base/net/socket.h"
#include "base/result.h"

namespace proconsul::agent::gateway {

/// One request at a time, on a thread of its own, each bounded in time and size.
class MetricsPort {
 public:
  /// GET /metrics: Prometheus' text format; with ?format=json that of /v1/agent/metrics. `address` is IP:PORT.
  static base::Result<std::unique_ptr<MetricsPort>> start(const std::string& address);
  ~MetricsPort();
  MetricsPort(const MetricsPort&) = delete;

 private:
  explicit MetricsPort(base::net::Fd listener);
  void serve();

  base::net::Fd listener_;
  base::Interrupt stop_{};
  std::thread thread_{};
};

}  // namespace proconsul::agent::gateway
