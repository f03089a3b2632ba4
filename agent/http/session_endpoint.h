// /v1/session: creating, ending, renewing and finding sessions.
#pragma once

#include "agent/http/route.h"

namespace proconsul::agent::http {

void session_create(Context& agent, const Request& request, Responder responder);
void session_destroy(Context& agent, const Request& request, Responder responder);
void session_renew(Context& agent, const Request& request, Responder responder);
base::Result<Answer> session_info(const ReadContext& context);
base::Result<Answer> session_list(const ReadContext& context);
base::Result<Answer> session_node(const ReadContext& context);

// The same, asked of other servers.
base::Result<Question> ask_session_info(const Context& agent, const Request& request);
base::Result<Question> ask_session_node(const Context& agent, const Request& request);
base::Result<Question> ask_session_list(const Context& agent, const Request& request);

}  // namespace proconsul::agent::http
