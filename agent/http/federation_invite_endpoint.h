// Invitations of other datacenters, and the end of one (/v1/internal/federation-invitation, -forget). All of it goes
// through the RPC methods Federation.*, which the primary's leader answers.
#pragma once

#include "agent/http/context.h"
#include "agent/http/reply.h"
#include "agent/http/request.h"

namespace proconsul::agent::http {

/// What an invitation has to say, and what stands in its way.
void federation_facts(Context& agent, const Request& request, Responder responder);
void federation_invite(Context& agent, const Request& request, Responder responder);
void federation_forget(Context& agent, const Request& request, Responder responder);

}  // namespace proconsul::agent::http
