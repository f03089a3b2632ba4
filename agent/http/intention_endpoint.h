// /v1/connect/intentions: who may call whom. Changes and single reads go through the RPC methods Intention.*, here or
// elsewhere.
#pragma once

#include <string>

#include "agent/http/context.h"
#include "agent/http/reply.h"
#include "agent/http/request.h"
#include "agent/http/route.h"
#include "base/type.h"

namespace proconsul::agent::http {

base::Result<Answer> intention_list(const ReadContext& context);
base::Result<Answer> intention_match(const ReadContext& context);
base::Result<Question> ask_intention_list(const Context& agent, const Request& request);
base::Result<Question> ask_intention_match(const Context& agent, const Request& request);
base::Result<Question> ask_intention_check(const Context& agent, const Request& request);

// By the names of both sides.
base::Result<Question> ask_intention_exact(const Context& agent, const Request& request);
void intention_put_exact(Context& agent, const Request& request, Responder responder);
void intention_delete_exact(Context& agent, const Request& request, Responder responder);

// By an ID, as old clients do it.
base::Result<Question> ask_intention(const Context& agent, const Request& request);
void intention_create(Context& agent, const Request& request, Responder responder);
void intention_update(Context& agent, const Request& request, Responder responder);
void intention_delete(Context& agent, const Request& request, Responder responder);

struct IntentionCreated {
  std::string ID{};
};
PROCONSUL_DECLARE_TYPE(IntentionCreated)

}  // namespace proconsul::agent::http
