// /v1/status: who leads, and who is in the raft configuration.
#pragma once

#include "agent/http/route.h"

namespace proconsul::agent::http {

base::Result<Reply> status_leader(Context& agent, const Request& request);
base::Result<Reply> status_peers(Context& agent, const Request& request);

base::Result<Question> ask_status_leader(const Context& agent, const Request& request);
base::Result<Question> ask_status_peers(const Context& agent, const Request& request);

}  // namespace proconsul::agent::http
