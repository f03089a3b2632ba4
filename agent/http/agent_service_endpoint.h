// /v1/agent/service*, /v1/agent/health: services of this agent.
#pragma once

#include "agent/http/route.h"

namespace proconsul::agent::http {

base::Result<Reply> agent_services(Context& agent, const Request& request);
base::Result<HashedAnswer> agent_service(Context& agent, const Request& request, base::KeySet* watch);
void agent_service_register(Context& agent, const Request& request, Responder responder);
void agent_service_deregister(Context& agent, const Request& request, Responder responder);
void agent_service_maintenance(Context& agent, const Request& request, Responder responder);
/// 200, 429 or 503 by the worst of the service's checks and the node's; 404 if there is none.
base::Result<Reply> agent_health_by_id(Context& agent, const Request& request);
base::Result<Reply> agent_health_by_name(Context& agent, const Request& request);

}  // namespace proconsul::agent::http
