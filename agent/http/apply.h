// What every endpoint does that changes the replicated state: propose, then answer.
#pragma once

#include <functional>
#include <string>

#include "agent/http/route.h"
#include "catalog/commands.h"

namespace proconsul::agent::http {

/// Proposes the command and answers with what `reply` makes of the state machine's answer. An error of raft's or of the
/// command's is answered without it; the command's own begins with `error_prefix`, as some endpoints of Consul's do.
void apply_command(Context& agent, std::string command, Responder responder,
                   std::move_only_function<base::Result<Reply>(catalog::ApplyResult&&)> reply,
                   const char* error_prefix = "");

}  // namespace proconsul::agent::http
