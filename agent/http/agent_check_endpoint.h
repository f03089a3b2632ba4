// /v1/agent/check*, /v1/agent/maintenance: checks of this agent.
#pragma once

#include "agent/http/route.h"

namespace proconsul::agent::http {

base::Result<Reply> agent_checks(Context& agent, const Request& request);
void agent_check_register(Context& agent, const Request& request, Responder responder);
void agent_check_deregister(Context& agent, const Request& request, Responder responder);
void agent_check_pass(Context& agent, const Request& request, Responder responder);
void agent_check_warn(Context& agent, const Request& request, Responder responder);
void agent_check_fail(Context& agent, const Request& request, Responder responder);
void agent_check_update(Context& agent, const Request& request, Responder responder);
void agent_node_maintenance(Context& agent, const Request& request, Responder responder);

}  // namespace proconsul::agent::http
