#include "agent/http/apply.h"

#include <utility>

namespace proconsul::agent::http {

void apply_command(Context& agent, std::string command, Responder responder,
                   std::move_only_function<base::Result<Reply>(catalog::ApplyResult&&)> reply) {
  agent.server.apply(std::move(command), [responder = std::move(responder),
                                          reply = std::move(reply)](base::Result<catalog::ApplyResult> result) mutable {
    if (!result) return responder.send(base::Result<Reply>(result.error()));
    if (const base::Error* error = result->error()) return responder.send(base::Result<Reply>(*error));
    responder.send(reply(std::move(*result)));
  });
}

}  // namespace proconsul::agent::http
