// Whose token a call carries.
#pragma once

#include <functional>
#include <string>

#include "agent/server/server.h"
#include "agent/tokens/resolver.h"
#include "agent/tokens/who.h"
#include "base/net/loop.h"
#include "base/result.h"

namespace proconsul::agent::grpc {

/// By the state of a server.
class Bearers {
 public:
  /// Both outlive it; without a resolver ACLs are off.
  Bearers(server::Server& server, tokens::Resolver* resolver) : server_(server), resolver_(resolver) {}

  /// `done` comes on the loop, whose thread this is; at once unless the token has to be asked for elsewhere.
  void find(base::net::Loop& loop, std::string token, std::move_only_function<void(base::Result<tokens::Who>)> done);
  bool enabled() const { return resolver_ != nullptr; }
  /// Whether no change of this server's state tells that a token has changed.
  bool asks_elsewhere() const { return resolver_ != nullptr && resolver_->fetches(); }

 private:
  void find(base::net::Loop& loop, std::string token, std::move_only_function<void(base::Result<tokens::Who>)> done,
            int fetches);

  server::Server& server_;
  tokens::Resolver* const resolver_;
};

/// For methods that anybody may call who has a token at all, while ACLs are on: why this one may not.
base::Result<> require_any_token(const base::Result<tokens::Who>& who);

}  // namespace proconsul::agent::grpc
