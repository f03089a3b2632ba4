// /v1/event: user events.
#pragma once

#include "agent/http/route.h"

namespace proconsul::agent::http {

void event_fire(Context& agent, const Request& request, Responder responder);
base::Result<HashedAnswer> event_list(Context& agent, const Request& request, base::KeySet* watch);

}  // namespace proconsul::agent::http
