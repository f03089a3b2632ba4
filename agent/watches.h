// The `watches` of the configuration while the agent runs.
#pragma once

#include <memory>
#include <vector>

#include "agent/config/config.h"
#include "agent/watch/runner.h"
#include "base/result.h"

namespace proconsul::agent {

/// One thread at a time; a watch's handler may itself be what leads to replace().
class Watches {
 public:
  /// Runs the configuration's watches against this agent's own listeners, in place of those that ran before. The error
  /// says which cannot be; then those before go on.
  base::Result<> replace(const config::Config& config);
  /// Ends them all, and waits.
  void stop();

 private:
  using Runners = std::vector<std::unique_ptr<watch::Runner>>;
  Runners running_;
  Runners ending_;  // told to stop, with a handler that may still run
};

}  // namespace proconsul::agent
