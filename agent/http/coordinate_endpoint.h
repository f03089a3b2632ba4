// /v1/coordinate: network coordinates of nodes.
#pragma once

#include "agent/http/route.h"

namespace proconsul::agent::http {

void coordinate_datacenters(Context& agent, const Request& request, Responder responder);
base::Result<Answer> coordinate_nodes(const ReadContext& context);
base::Result<Answer> coordinate_node(const ReadContext& context);
void coordinate_update(Context& agent, const Request& request, Responder responder);

base::Result<Question> ask_coordinate_nodes(const Context& agent, const Request& request);
base::Result<Question> ask_coordinate_node(const Context& agent, const Request& request);

}  // namespace proconsul::agent::http
