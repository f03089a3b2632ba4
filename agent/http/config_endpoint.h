// The API of central configuration (/v1/config). All of it goes through the RPC methods ConfigEntry.*, here or
// elsewhere; changes are made in the primary datacenter.
#pragma once

#include "agent/http/context.h"
#include "agent/http/reply.h"
#include "agent/http/request.h"
#include "agent/http/route.h"

namespace proconsul::agent::http {

/// One entry, all of a kind, or all.
base::Result<Question> ask_config(const Context& agent, const Request& request);
void config_put(Context& agent, const Request& request, Responder responder);
void config_delete(Context& agent, const Request& request, Responder responder);

}  // namespace proconsul::agent::http
