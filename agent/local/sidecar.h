// A service's sidecar_service: the short way to register a proxy beside it. It becomes a registration of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/local/local_agent.h"

namespace proconsul::agent::local {

/// The ID of a service's sidecar.
std::string sidecar_id(std::string_view service_id);

/// Takes the sidecar_service out of a service and fills in what it leaves to its service. Nothing if there is none. The
/// error is about the sidecar's metadata.
base::Result<std::optional<ServiceRegistration>> take_sidecar(ServiceRegistration& parent);

/// The port that a sidecar has in the range already, or the lowest that no service here uses.
base::Result<std::int64_t> sidecar_port(const State& state, std::string_view id, SidecarPorts range);

/// What a sidecar is checked by unless it says otherwise: that it listens, and that its service is well.
std::vector<catalog::CheckType> sidecar_checks(const catalog::NodeService& sidecar);

}  // namespace proconsul::agent::local
