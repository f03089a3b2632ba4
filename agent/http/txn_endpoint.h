// PUT /v1/txn: several operations that happen all or not at all.
#pragma once

#include "agent/http/route.h"

namespace proconsul::agent::http {

/// One that only reads is answered from the state, without an entry in the log.
void txn_put(Context& agent, const Request& request, Responder responder);

}  // namespace proconsul::agent::http
