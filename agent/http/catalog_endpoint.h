// /v1/catalog: registering and listing nodes and services.
#pragma once

#include "agent/http/route.h"

namespace proconsul::agent::http {

void catalog_register(Context& agent, const Request& request, Responder responder);
void catalog_deregister(Context& agent, const Request& request, Responder responder);
void catalog_datacenters(Context& agent, const Request& request, Responder responder);
base::Result<Answer> catalog_nodes(const ReadContext& context);
base::Result<Answer> catalog_services(const ReadContext& context);
base::Result<Answer> catalog_service(const ReadContext& context);
base::Result<Answer> catalog_connect(const ReadContext& context);
base::Result<Answer> catalog_node(const ReadContext& context);
base::Result<Answer> catalog_node_services(const ReadContext& context);

// The same, asked of other servers.
base::Result<Question> ask_catalog_connect(const Context& agent, const Request& request);
base::Result<Question> ask_catalog_nodes(const Context& agent, const Request& request);
base::Result<Question> ask_catalog_services(const Context& agent, const Request& request);
base::Result<Question> ask_catalog_service(const Context& agent, const Request& request);
base::Result<Question> ask_catalog_node(const Context& agent, const Request& request);
base::Result<Question> ask_catalog_node_services(const Context& agent, const Request& request);

}  // namespace proconsul::agent::http
