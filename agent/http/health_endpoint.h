// /v1/health: checks, and service instances with their checks.
#pragma once

#include <string_view>

#include "agent/http/route.h"
#include "catalog/types/service.h"

namespace proconsul::agent::http {

base::Result<Answer> health_node(const ReadContext& context);
base::Result<Answer> health_checks(const ReadContext& context);
base::Result<Answer> health_state(const ReadContext& context);
base::Result<Answer> health_service(const ReadContext& context);
base::Result<Answer> health_connect(const ReadContext& context);
base::Result<Answer> health_ingress(const ReadContext& context);

/// An instance of a datacenter as its clients see it: no list is nil, addresses are translated.
void show_instance(const Context& agent, std::string_view datacenter, catalog::CheckServiceNode& instance);

// The same, asked of other servers.
base::Result<Question> ask_health_node(const Context& agent, const Request& request);
base::Result<Question> ask_health_checks(const Context& agent, const Request& request);
base::Result<Question> ask_health_state(const Context& agent, const Request& request);
base::Result<Question> ask_health_service(const Context& agent, const Request& request);
base::Result<Question> ask_health_connect(const Context& agent, const Request& request);
base::Result<Question> ask_health_ingress(const Context& agent, const Request& request);

}  // namespace proconsul::agent::http
