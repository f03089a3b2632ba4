// Flags of the agent command, each of which is a key of the configuration.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/load.h"
#include "base/result.h"

namespace proconsul::agent::config {

struct AgentFlag {
  std::string_view name;  // without dashes
  std::string_view path;  // the key; empty for the few that are not keys: config-file, config-dir, dev, ...
  std::string_view help;
  bool takes_no_value{};  // a boolean
};
/// By name.
std::span<const AgentFlag> agent_flags();

/// By the rules of Go's flag package: one dash or two, `=value` or the next argument, booleans without one. The error
/// is its text; "flag: help requested" for -h and -help. What follows the flags is an error too.
base::Result<LoadOptions> parse_agent_flags(std::span<const std::string> arguments);

}  // namespace proconsul::agent::config
