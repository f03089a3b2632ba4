// Who asks over HTTP.
#pragma once

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

/// By the token of a request that is answered here at once.
inline base::Result<tokens::Who> asking(const Context& agent, const Request& request) {
  if (!agent.tokens) return tokens::anybody();
  return agent.tokens->resolve(agent.server->view()->tables(), token_of(request));
}

}  // namespace proconsul::agent::http
