// Makes Responders; inside the server only.
#pragma once

#include <cstdint>

#include "agent/http/reply.h"

namespace proconsul::agent::http {

class Worker;
Responder make_responder(Worker& worker, std::uint64_t connection);

}  // namespace proconsul::agent::http
