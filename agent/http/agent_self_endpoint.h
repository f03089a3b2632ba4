// /v1/agent/self and its like: what this agent is, reload and leave.
#pragma once

#include "agent/http/route.h"

namespace proconsul::agent::http {

base::Result<Reply> agent_self(Context& agent, const Request& request);
base::Result<Reply> agent_version(Context& agent, const Request& request);
void agent_host(Context& agent, const Request& request, Responder responder);
void agent_reload(Context& agent, const Request& request, Responder responder);
void agent_leave(Context& agent, const Request& request, Responder responder);

}  // namespace proconsul::agent::http
