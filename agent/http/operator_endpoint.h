// /v1/operator: raft's members, autopilot, usage.
#pragma once

#include "agent/http/route.h"

namespace proconsul::agent::http {

void raft_configuration(Context& agent, const Request& request, Responder responder);
void raft_remove_peer(Context& agent, const Request& request, Responder responder);
void raft_transfer_leader(Context& agent, const Request& request, Responder responder);
base::Result<Reply> autopilot_get(Context& agent, const Request& request);
void autopilot_put(Context& agent, const Request& request, Responder responder);
/// 429 while a server is unhealthy.
void autopilot_health(Context& agent, const Request& request, Responder responder);
void autopilot_state(Context& agent, const Request& request, Responder responder);
base::Result<Answer> operator_usage(const ReadContext& context);

// The same, asked of other servers.
base::Result<Question> ask_raft_configuration(const Context& agent, const Request& request);
base::Result<Question> ask_autopilot_get(const Context& agent, const Request& request);
base::Result<Question> ask_autopilot_health(const Context& agent, const Request& request);
base::Result<Question> ask_autopilot_state(const Context& agent, const Request& request);
base::Result<Question> ask_operator_usage(const Context& agent, const Request& request);

}  // namespace proconsul::agent::http
