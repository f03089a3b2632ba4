// Whether a token allows to see or to change this agent's own services and checks.
#pragma once

#include <string_view>
#include <vector>

#include "agent/http/context.h"
#include "agent/local/local_agent.h"
#include "agent/tokens/who.h"
#include "base/result.h"
#include "catalog/types/health.h"

namespace proconsul::agent::http {

/// Also what the registrations take the place of, and whom a proxy stands for.
base::Result<> permit_services(const Context& agent, const tokens::Who& who,
                               const std::vector<local::ServiceRegistration>& registrations);
/// Of one that is there; 404 otherwise.
base::Result<> permit_service_update(const Context& agent, const tokens::Who& who, std::string_view id);
base::Result<> permit_check(const Context& agent, const tokens::Who& who, const catalog::HealthCheck& check);
/// Of one that is there.
base::Result<> permit_check_update(const Context& agent, const tokens::Who& who, std::string_view id);
/// By its service, or this agent's node.
bool may_read_check(const Context& agent, const tokens::Who& who, const catalog::HealthCheck& check);

}  // namespace proconsul::agent::http
