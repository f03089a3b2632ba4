// The mesh's certificate authority: roots, its configuration, and certificates of this agent's services.
#pragma once

#include "agent/http/route.h"

namespace proconsul::agent::http {

base::Result<Answer> connect_ca_roots(const ReadContext& context);
base::Result<Question> ask_connect_ca_roots(const Context& agent, const Request& request);
void connect_ca_configuration(Context& agent, const Request& request, Responder responder);
void set_connect_ca_configuration(Context& agent, const Request& request, Responder responder);
void agent_connect_ca_leaf(Context& agent, const Request& request, Responder responder);

}  // namespace proconsul::agent::http
