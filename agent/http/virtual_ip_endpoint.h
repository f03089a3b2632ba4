// PUT /v1/internal/service-virtual-ip: addresses of an operator's choice that stand for a whole service.
#pragma once

#include "agent/http/context.h"
#include "agent/http/reply.h"
#include "agent/http/request.h"

namespace proconsul::agent::http {

void assign_manual_ips(Context& agent, const Request& request, Responder responder);

}  // namespace proconsul::agent::http
