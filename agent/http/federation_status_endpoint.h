// How the federation is, seen from this server, and what is wrong with it (/v1/internal/federation/*). Consul has
// neither.
#pragma once

#include "agent/http/context.h"
#include "agent/http/reply.h"
#include "agent/http/request.h"

namespace proconsul::agent::http {

/// GET /v1/internal/federation/status
void federation_status(Context& agent, const Request& request, Responder responder);
/// GET /v1/internal/federation/doctor
void federation_doctor(Context& agent, const Request& request, Responder responder);

}  // namespace proconsul::agent::http
