// Why a token may do something or not, and when tokens were last used. Consul has neither.
#pragma once

#include "agent/http/context.h"
#include "agent/http/reply.h"
#include "agent/http/request.h"
#include "agent/tokens/explain.h"
#include "base/type.h"

namespace proconsul::agent::http {

/// POST /v1/acl/explain
void acl_explain(Context& agent, const Request& request, Responder responder);
/// GET /v1/acl/token-uses
void acl_token_uses(Context& agent, const Request& request, Responder responder);

/// Of the token of the request, or, with acl:read, of that with the accessor.
struct ExplainQuestion {
  std::string AccessorID{};
  std::string Permission{};  // "key:write"
  std::string Name{};
};
PROCONSUL_DECLARE_TYPE(ExplainQuestion)
struct ExplainAnswer : tokens::Explanation {
  std::string TokenSource{};  // as in Denial, of the request's own token; empty: another one was asked about
};
PROCONSUL_DECLARE_TYPE(ExplainAnswer)

}  // namespace proconsul::agent::http
