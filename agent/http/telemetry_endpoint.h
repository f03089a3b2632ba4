// What the agent tells about itself while it runs: metrics, and its log as a stream.
#pragma once

#include "agent/http/route.h"

namespace proconsul::agent::http {

base::Result<Reply> agent_metrics(Context& agent, const Request& request);
base::Result<Reply> agent_metrics_stream(Context& agent, const Request& request);
base::Result<Reply> agent_monitor(Context& agent, const Request& request);

}  // namespace proconsul::agent::http
