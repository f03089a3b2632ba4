// Whether a mesh gateway may be taken away: what its datacenter has now, and what the others know of it. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/type.h"
#include "catalog/types/service.h"

namespace proconsul::agent::invite {

using Gateways = base::List<catalog::CheckServiceNode>;

struct GatewayView {
  std::string datacenter{};  // the gateways'
  Gateways now{};            // of the datacenter, as its catalog has them
  /// What each other datacenter knows of them; the error says why it could not be asked.
  std::map<std::string, base::Result<Gateways>> elsewhere{};
  std::optional<std::int64_t> connections{};  // that run through the gateway; nothing: not known here
};

/// By the service's ID, or an address of it ("10.0.0.1", "10.0.0.1:8443"). Errors: there is none, or several.
base::Result<const catalog::CheckServiceNode*> find_gateway(const Gateways& gateways, std::string_view wanted);

/// Why the gateway must stay for now; none: it may go.
std::vector<std::string> reasons_to_stay(const GatewayView& view, const catalog::CheckServiceNode& gateway);

/// "gateway-1 at 10.0.0.1:8443 (WAN 203.0.113.1:8443)"
std::string shown_gateway(const catalog::CheckServiceNode& gateway);

}  // namespace proconsul::agent::invite
