// /v1/query: prepared queries.
#pragma once

#include "agent/http/route.h"

namespace proconsul::agent::http {

void query_create(Context& agent, const Request& request, Responder responder);
void query_update(Context& agent, const Request& request, Responder responder);
void query_delete(Context& agent, const Request& request, Responder responder);
base::Result<Answer> query_list(const ReadContext& context);
base::Result<Answer> query_get(const ReadContext& context);

base::Result<Question> ask_query_list(const Context& agent, const Request& request);
base::Result<Question> ask_query_get(const Context& agent, const Request& request);
base::Result<Question> ask_query_execute(const Context& agent, const Request& request);
base::Result<Question> ask_query_explain(const Context& agent, const Request& request);

}  // namespace proconsul::agent::http
