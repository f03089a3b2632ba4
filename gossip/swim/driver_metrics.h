// memberlist's metrics of one pool.
#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "base/metrics.h"
#include "gossip/swim/core.h"

namespace proconsul::gossip::swim {

class DriverMetrics {
 public:
  explicit DriverMetrics(const std::string& network);
  void received(std::size_t bytes) const { received_.add(static_cast<double>(bytes)); }
  void sent(std::size_t bytes) const { sent_.add(static_cast<double>(bytes)); }
  void gossip_took(base::Duration time) const { gossip_.add(static_cast<double>(time.nanoseconds) / 1e6); }
  void measured(const Measurement& measurement) const;
  /// What the core counted since the last call.
  void count(const Core& core);
  /// What is looked at from time to time.
  void sample(const Core& core) const;

 private:
  base::metrics::Counter received_, sent_, alive_, suspect_, dead_, degraded_probe_, degraded_timeout_, accept_,
      connect_, tcp_sent_;
  base::metrics::Sample gossip_, probe_, push_pull_, remote_, queue_;
  base::metrics::Gauge health_, local_;
  std::array<base::metrics::Gauge, 4> instances_;
  Counts seen_{};
  int health_seen_ = 0;
  std::size_t local_seen_ = 0;
};

}  // namespace proconsul::gossip::swim
