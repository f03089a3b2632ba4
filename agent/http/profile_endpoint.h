// /debug/pprof/: what Go's net/http/pprof offers, as far as this process can say it truly.
#pragma once

#include "agent/http/route.h"

namespace proconsul::agent::http {

base::Result<Reply> debug_profile(Context& agent, const Request& request);

}  // namespace proconsul::agent::http
