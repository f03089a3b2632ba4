// /v1/kv: keys and values.
#pragma once

#include "agent/http/route.h"

namespace proconsul::agent::http {

/// One key, a prefix (?recurse), or names alone (?keys with ?separator).
base::Result<Answer> kv_get(const ReadContext& context);
base::Result<Question> ask_kv_get(const Context& agent, const Request& request);
void kv_put(Context& agent, const Request& request, Responder responder);
void kv_delete(Context& agent, const Request& request, Responder responder);

}  // namespace proconsul::agent::http
