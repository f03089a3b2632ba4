// Who asks by RPC.
#pragma once

#include <string_view>

#include "agent/rpc/method.h"
#include "agent/tokens/resolver.h"
#include "agent/tokens/who.h"
#include "base/result.h"
#include "catalog/store/store.h"

namespace proconsul::agent::rpc {

/// By the token of a request, in this version of the state; anybody while ACLs are off.
inline base::Result<tokens::Who> asking(const Services& services, const catalog::View& view, std::string_view token) {
  if (!services.tokens) return tokens::anybody();
  return services.tokens->resolve(view.tables(), token);
}
inline base::Result<tokens::Who> asking(const Services& services, std::string_view token) {
  return asking(services, *services.server.view(), token);
}

}  // namespace proconsul::agent::rpc
