// Who asks over HTTP.
#pragma once

#include <string_view>

#include "agent/http/context.h"
#include "agent/http/request.h"
#include "agent/http/route.h"
#include "agent/tokens/readable.h"
#include "agent/tokens/resolver.h"
#include "agent/tokens/who.h"
#include "base/result.h"
#include "catalog/store/store.h"

namespace proconsul::agent::http {

/// By the token of a read, in the version that it looks at; anybody while ACLs are off.
inline base::Result<tokens::Who> asking(const ReadContext& context) {
  if (!context.agent.tokens) return tokens::anybody();
  return context.agent.tokens->resolve(context.view.tables(), context.request.options.token);
}

/// By a token that came with a request, whose row is kOwn or which is answered by servers alone.
inline base::Result<tokens::Who> asking(const Context& agent, const Request& request, std::string_view token) {
  if (agent.remote_tokens) {
    if (request.who) return *request.who;
    return base::Error{base::Errc::permission_denied, "Permission denied"};
  }
  if (!agent.tokens) return tokens::anybody();
  return agent.tokens->resolve(agent.server->view()->tables(), token);
}
inline base::Result<tokens::Who> asking(const Context& agent, const Request& request) {
  return asking(agent, request, token_of(request));
}

}  // namespace proconsul::agent::http
