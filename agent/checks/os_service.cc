#include "agent/checks/os_service.h"

#include <unistd.h>

#include "catalog/types/health.h"

namespace proconsul::agent::checks {
namespace {

std::string_view property(std::string_view printed, std::string_view name) {
  for (std::string_view rest = printed; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    if (line.starts_with(name) && line.substr(name.size()).starts_with('=')) return line.substr(name.size() + 1);
    rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
  }
  return {};
}

}  // namespace

std::vector<std::string> unit_state_command(const std::string& unit) {
  return {"systemctl", "show", "--property=LoadState", "--property=ActiveState", "--", unit};
}

base::Result<> os_services_available() {
  if (::access("/run/systemd/system", F_OK) == 0) return {};
  return {base::Errc::internal, "not implemented: OS service checks need systemd, which does not run on this host"};
}

UnitHealth unit_health(const std::string& unit, std::string_view printed) {
  const std::string state(property(printed, "ActiveState"));
  if (property(printed, "LoadState") == "not-found") {
    return {std::string(catalog::kHealthCritical), "service status: not-found - OS Service unhealthy"};
  }
  if (state == "active") return {std::string(catalog::kHealthPassing), "Service \"" + unit + "\" is healthy"};
  // On its way up, down or to new settings: not well, not dead either.
  if (state == "activating" || state == "reloading" || state == "deactivating" || state == "refreshing") {
    return {std::string(catalog::kHealthWarning), "service status: " + state};
  }
  return {std::string(catalog::kHealthCritical),
          "service status: " + (state.empty() ? "unknown" : state) + " - OS Service unhealthy"};
}

}  // namespace proconsul::agent::checks
