// Joining a pool at the start, again and again until it succeeds.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"

namespace proconsul::agent::cluster {

class RetryJoin {
 public:
  struct Options {
    std::string cluster{};                 // "LAN", "WAN"; for the log
    std::vector<std::string> addresses{};  // as the operator wrote them; also "exec=PROGRAM ARGUMENTS"
    base::Duration interval = base::seconds(30);
    std::int64_t max_attempts = 0;  // 0: for ever
  };
  /// Joins the addresses, which may take as long as it likes but for `stopping`; how many were joined. On the thread of
  /// this.
  using Join =
      std::function<base::Result<int>(const std::vector<std::string>& addresses, const base::Interrupt& stopping)>;
  /// After the last attempt, on the same thread: "agent: max join LAN retry exhausted, exiting".
  using Exhausted = std::function<void(base::Error)>;

  /// Begins at once. Nothing to join: does nothing.
  RetryJoin(Options options, Join join, Exhausted exhausted);
  ~RetryJoin();

 private:
  void run();
  const Options options_;
  const Join join_;
  const Exhausted exhausted_;
  const base::log::Logger log_{"agent"};
  base::Interrupt stopping_{};
  std::thread thread_{};
};

}  // namespace proconsul::agent::cluster
