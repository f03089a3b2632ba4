// Running Envoy in our own place, with a bootstrap that is on no disk.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace proconsul::agent::cli {

struct EnvoyRun {
  std::string binary{};                       // empty: envoy is sought in PATH
  bool any_version = false;                   // not only those that are supported
  const std::vector<std::string>& arguments;  // of the user
  const std::string& bootstrap;
};
/// Returns only when it failed. The detail is the whole message.
base::Result<> run_envoy(const EnvoyRun& run);

/// Writes into a named pipe when somebody reads it, and removes it. Waits for 10 seconds: then it is removed, and the
/// process ends with code 99.
base::Result<> deliver_bootstrap(const std::string& pipe, const std::string& text);

}  // namespace proconsul::agent::cli
