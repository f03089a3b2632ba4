// What a token may do, question by question.
#pragma once

#include "agent/rpc/acl_types.h"
#include "agent/tokens/who.h"
#include "base/result.h"

namespace proconsul::agent::rpc {

/// Errors: a question about what is no resource, or no access of it.
base::Result<base::List<ACLAuthorizationResponse>> answer_questions(
    const tokens::Who& who, const base::List<ACLAuthorizationRequest>& questions);

}  // namespace proconsul::agent::rpc
