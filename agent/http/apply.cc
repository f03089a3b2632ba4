#include "agent/http/apply.h"

#include <utility>

namespace proconsul::agent::http {

void apply_command(Context& agent, std::string command, Responder responder,
                   std::move_only_function<base::Result<Reply>(catalog::ApplyResult&&)> reply,
                   const char* error_prefix) {
  agent.server.apply(std::move(command), [responder = std::move(responder), reply = std::move(reply),
                                          error_prefix](base::Result<catalog::ApplyResult> result) mutable {
    if (!result) return responder.send(base::Result<Reply>(result.error()));
    if (const base::Error* error = result->error()) {
      return responder.send(base::Result<Reply>(error->code, error_prefix + error->detail));
    }
    responder.send(reply(std::move(*result)));
  });
}

}  // namespace proconsul::agent::http
