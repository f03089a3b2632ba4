// Where a gateway listens, by its registration. Pure.
#pragma once

#include <vector>

#include "agent/http/agent_types.h"
#include "base/result.h"
#include "catalog/types/service.h"
#include "wanfed/gateway/routes.h"

namespace proconsul::agent::gateway {

/// Consul's rules for its proxy: at the service's address, unless envoy_gateway_no_default_bind; at the tagged
/// addresses with envoy_gateway_bind_tagged_addresses; and at each of envoy_gateway_bind_addresses. Each once, in the
/// order of addresses. An error says which is no IP address and port.
base::Result<std::vector<wanfed::gateway::Address>> listening_addresses(const http::AgentService& service);
/// The same of what is to be registered.
base::Result<std::vector<wanfed::gateway::Address>> listening_addresses(const catalog::ServiceDefinition& service);

/// Whether it leads to servers too.
bool leads_to_servers(const http::AgentService& service);

}  // namespace proconsul::agent::gateway
