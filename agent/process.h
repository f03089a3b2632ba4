// The process that `proconsul agent` is: flags, banner, signals, exit codes.
#pragma once

#include <span>
#include <string>

namespace proconsul::agent {

/// Runs an agent until a signal or the API ends it; returns the exit code. Blocks SIGINT, SIGTERM and SIGHUP for the
/// whole process, so call it before other threads exist.
int run_agent(std::span<const std::string> arguments);

}  // namespace proconsul::agent
