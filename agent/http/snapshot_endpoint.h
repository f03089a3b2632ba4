// /v1/snapshot: the whole state as an archive, and back.
#pragma once

#include "agent/http/route.h"

namespace proconsul::agent::http {

void snapshot_save(Context& agent, const Request& request, Responder responder);
std::unique_ptr<BodySink> snapshot_restore(Context& agent, const Request& request, Responder responder);

}  // namespace proconsul::agent::http
