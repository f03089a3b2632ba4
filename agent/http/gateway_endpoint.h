// What gateways serve, and the discovery chains that lead to services. All of it goes through RPC methods, here or
// elsewhere.
#pragma once

#include "agent/http/context.h"
#include "agent/http/request.h"
#include "agent/http/route.h"
#include "base/type.h"
#include "catalog/types/proxy.h"

namespace proconsul::agent::http {

/// What counts instead of the entries: the body of POST /v1/discovery-chain/.
struct DiscoveryChainOverrides {
  catalog::MeshGatewayConfig OverrideMeshGateway{};
  std::string OverrideProtocol{};
  base::Duration OverrideConnectTimeout{};
};
PROCONSUL_DECLARE_TYPE(DiscoveryChainOverrides)

base::Result<Question> ask_gateway_services(const Context& agent, const Request& request);
base::Result<Question> ask_discovery_chain(const Context& agent, const Request& request);
base::Result<Question> ask_ui_gateway_services_nodes(const Context& agent, const Request& request);
base::Result<Question> ask_ui_exported_services(const Context& agent, const Request& request);
base::Result<Question> ask_exported_services(const Context& agent, const Request& request);

}  // namespace proconsul::agent::http
