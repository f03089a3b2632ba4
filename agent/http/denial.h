// What a 403 says beside Consul's text: whose token it was, where it came from, and which rule decided.
#pragma once

#include "agent/http/context.h"
#include "agent/http/encode.h"
#include "agent/http/reply.h"
#include "agent/http/request.h"
#include "base/type.h"

namespace proconsul::agent::http {

/// The value of X-Proconsul-Denial, as JSON. What is not known is left out: with AccessorID and Permission everything
/// about the rule, where this agent does not know the token.
struct Denial {
  std::string AccessorID{};
  std::string TokenSource{};  // query, header, bearer, agent (acl.tokens.default), none
  std::string Permission{};   // that is missing: "key:write"
  std::string Name{};         // of what
  std::string Rule{};         // as it would be written: key_prefix "app/"
  std::string Grants{};       // what it says: read
  std::string Policy{};       // whose rule it is
  std::string Default{};      // acl.default_policy, where no rule is about it
};
PROCONSUL_DECLARE_TYPE(Denial)

std::string_view to_string(TokenSlot slot);
/// Of the token that a row takes: `headers_alone` if that is no matter of parameters.
TokenSlot token_slot(const Request& request, bool headers_alone);

/// Adds the header to a refusal; asks nobody.
void explain_denial(Context& agent, const Exchange& exchange, Reply& reply);
/// Whether explain_denial() would know more once this agent, a client, has asked for the token.
bool is_denial_of_unknown(Context& agent, const Exchange& exchange, const Reply& reply);

}  // namespace proconsul::agent::http
