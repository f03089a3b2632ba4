// Keeps servers told of each other's uses of tokens (tokens/uses.h): each tells the leader what it has seen, and hears
// what the others have.
#pragma once

#include <memory>

#include "agent/rpc/caller.h"
#include "agent/server/acl_settings.h"
#include "agent/server/server.h"
#include "agent/tokens/uses.h"
#include "base/net/loop.h"

namespace proconsul::agent {

class TokenUses {
 public:
  /// All outlive it. Lives on `loop`.
  TokenUses(base::net::Loop& loop, rpc::Caller& caller, server::Server& server, tokens::Uses& uses,
            const server::AclSettings& acl);
  /// Not on a loop.
  ~TokenUses();

 private:
  class Cycle;
  base::net::Loop& loop_;
  std::unique_ptr<Cycle> cycle_;
};

}  // namespace proconsul::agent
