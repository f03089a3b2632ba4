// The web UI's way to the metrics server.
#pragma once

#include "agent/http/route.h"

namespace proconsul::agent::http {

void ui_metrics_proxy(Context& agent, const Request& request, Responder responder);

}  // namespace proconsul::agent::http
