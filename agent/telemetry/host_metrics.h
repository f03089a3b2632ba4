// telemetry.enable_host_metrics: processors, memory, disk and uptime of the machine, as gauges host.*.
#pragma once

#include <map>
#include <string>

#include "base/metrics.h"

namespace proconsul::agent {

class HostMetrics {
 public:
  /// `data_dir` is on the disk that is measured; empty: none is.
  explicit HostMetrics(std::string data_dir);
  /// Reads the machine and sets the gauges. Processors' percentages are of the time since the last call.
  void read();

 private:
  struct Times {
    double user{}, system{}, idle{}, iowait{}, busy{};
  };
  struct Processor {
    base::metrics::Gauge total, user, idle, iowait, system;
    Times last{};
  };
  void read_memory();
  void read_processors();
  void read_disk();
  void read_uptime();
  Processor& processor(const std::string& name);

  const std::string data_dir_;
  base::metrics::Gauge memory_total_, memory_available_, memory_used_, memory_used_percent_, memory_free_, uptime_;
  base::metrics::Gauge disk_size_, disk_used_, disk_available_, disk_used_percent_, disk_inodes_percent_;
  std::map<std::string, Processor> processors_{};
};

}  // namespace proconsul::agent
