// What a token is worth in another datacenter.
#pragma once

#include <string_view>

#include "base/clock.h"
#include "catalog/acl/tokens.h"

namespace proconsul::agent::tokens {

/// Whether the secret is of a token that only this datacenter knows: elsewhere its bearer is anybody.
inline bool is_local(const catalog::Tables& tables, std::string_view secret) {
  if (secret.empty()) return false;
  const catalog::ACLToken* token = catalog::token_by_secret(tables, secret);
  return token && token->Local && !catalog::is_over(*token, base::system_clock().wall());
}

}  // namespace proconsul::agent::tokens
