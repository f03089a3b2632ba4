// Federation states (/v1/internal/federation-*): what datacenters know of each other's mesh gateways. All of it goes
// through the RPC methods FederationState.*.
#pragma once

#include "agent/http/context.h"
#include "agent/http/reply.h"
#include "agent/http/request.h"
#include "agent/http/route.h"

namespace proconsul::agent::http {

base::Result<Question> ask_federation_states(const Context& agent, const Request& request);
base::Result<Question> ask_federation_gateways(const Context& agent, const Request& request);
/// Of the datacenter in the path, whichever it is that answers.
base::Result<Question> ask_federation_state(const Context& agent, const Request& request);
/// In the primary, and by replication everywhere; one that is not there is gone already. A datacenter that lives writes
/// its own anew.
void delete_federation_state(Context& agent, const Request& request, Responder responder);

}  // namespace proconsul::agent::http
