// The catalog's health at a glance, counted anew every ten seconds at most: it walks everything.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

#include "agent/server/server.h"

namespace proconsul::agent::http {

class Overview {
 public:
  using Time = std::chrono::steady_clock::time_point;
  explicit Overview(Time started) : started_(started) {}

  /// What was counted in the running interval; nothing (null lists) in the first, as Consul has it. Any thread.
  std::string json(Time now, const server::Server& server);

  static constexpr std::chrono::seconds kInterval{10};

 private:
  const Time started_;
  std::mutex mutex_{};
  std::int64_t interval_ = 0;  // number of the one that json_ is of
  std::string json_{};
};

}  // namespace proconsul::agent::http
