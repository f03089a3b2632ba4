// Sends metrics to statsd (UDP), statsite (TCP) and DogStatsD (UDP or a unix socket) as they happen: every tenth of a
// second what was recorded, every second the gauges. What a daemon misses while it cannot be reached is lost.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "base/result.h"

namespace proconsul::agent {

class Collector;

struct PushOptions {
  std::string statsd{};  // "host:port"; empty: none. So are the next two.
  std::string statsite{};
  std::string dogstatsd{};  // also "host" (port 8125) and "unix:///path"
  std::vector<std::string> dogstatsd_tags{};
  bool retry = true;  // start although the name of the DogStatsD host is not known yet
};

class MetricsPush {
 public:
  /// Null if nothing is to be sent. The error is DogStatsD's: its address is looked up here.
  static base::Result<std::unique_ptr<MetricsPush>> start(const PushOptions& options);
  /// Sends what is left, if the daemons take it at once.
  ~MetricsPush();
  MetricsPush(const MetricsPush&) = delete;
  MetricsPush& operator=(const MetricsPush&) = delete;

 private:
  explicit MetricsPush(std::vector<std::unique_ptr<Collector>> collectors);
  void run();
  void round(bool gauges);

  std::vector<std::unique_ptr<Collector>> collectors_;
  base::metrics::Feed feed_{};
  std::mutex mutex_{};
  std::condition_variable stop_{};
  bool stopping_ = false;
  std::thread thread_{};
};

}  // namespace proconsul::agent
