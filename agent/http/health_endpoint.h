// /v1/health: checks, and service instances with their checks.
#pragma once

#include "agent/http/route.h"

namespace proconsul::agent::http {

base::Result<Answer> health_node(const ReadContext& context);
base::Result<Answer> health_checks(const ReadContext& context);
base::Result<Answer> health_state(const ReadContext& context);
base::Result<Answer> health_service(const ReadContext& context);
base::Result<Answer> health_connect(const ReadContext& context);
base::Result<Answer> health_ingress(const ReadContext& context);

}  // namespace proconsul::agent::http
