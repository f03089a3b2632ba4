// Tokens, policies and roles as the servers of a datacenter tell them (ACL.TokenRead, ACL.PolicyResolve,
// ACL.RoleResolve): any of its servers, by what that one knows.
#pragma once

#include <string>
#include <vector>

#include "agent/rpc/caller.h"
#include "agent/tokens/remote_resolver.h"
#include "base/net/loop.h"

namespace proconsul::agent::tokens {

class RpcSource final : public Source {
 public:
  /// The caller and the loops outlive it.
  RpcSource(base::net::Loops& loops, rpc::Caller& caller, std::string datacenter)
      : loops_(loops), caller_(caller), datacenter_(std::move(datacenter)) {}

  void token(const std::string& secret, Done<Token> done) override;
  void policies(const std::string& secret, std::vector<std::string> ids,
                Done<std::vector<catalog::ACLPolicy>> done) override;
  void roles(const std::string& secret, std::vector<std::string> ids,
             Done<std::vector<catalog::ACLRole>> done) override;

 private:
  base::net::Loops& loops_;
  rpc::Caller& caller_;
  const std::string datacenter_;
};

}  // namespace proconsul::agent::tokens
