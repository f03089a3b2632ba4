// Services of the operating system, which on Linux are systemd's units.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace proconsul::agent::checks {

/// Whether systemd runs this host; without it there are no such checks.
base::Result<> os_services_available();
/// The command that tells a unit's state.
std::vector<std::string> unit_state_command(const std::string& unit);

struct UnitHealth {
  std::string status{};  // passing, warning or critical
  std::string output{};
};
/// What that command printed: "LoadState=loaded\nActiveState=active\n".
UnitHealth unit_health(const std::string& unit, std::string_view printed);

}  // namespace proconsul::agent::checks
