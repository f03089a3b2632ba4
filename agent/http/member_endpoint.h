// /v1/agent/members, join and force-leave: the pools as this agent knows them.
#pragma once

#include "agent/http/route.h"

namespace proconsul::agent::http {

base::Result<Reply> agent_members(Context& agent, const Request& request);
void agent_join(Context& agent, const Request& request, Responder responder);
void agent_force_leave(Context& agent, const Request& request, Responder responder);

}  // namespace proconsul::agent::http
