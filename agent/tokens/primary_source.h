// Where a server of a secondary datacenter without copies of tokens finds them: tokens in the primary, policies and
// roles in its own state, and in the primary too as long as none was copied.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "agent/rpc/caller.h"
#include "agent/server/server.h"
#include "agent/tokens/rpc_source.h"
#include "base/net/loop.h"

namespace proconsul::agent::tokens {

class PrimarySource final : public Source {
 public:
  /// The loops outlive it.
  PrimarySource(base::net::Loops& loops, std::string primary_datacenter);

  /// From here on it asks; before, nobody can be asked. Both outlive its use. Any thread, once.
  void open(rpc::Caller& caller, server::Server& server);

  void token(const std::string& secret, Done<Token> done) override;
  void policies(const std::string& secret, std::vector<std::string> ids,
                Done<std::vector<catalog::ACLPolicy>> done) override;
  void roles(const std::string& secret, std::vector<std::string> ids,
             Done<std::vector<catalog::ACLRole>> done) override;

 private:
  struct Open {
    RpcSource primary;
    server::Server& server;
  };
  base::net::Loops& loops_;
  const std::string datacenter_;
  std::unique_ptr<Open> opened_{};
  std::atomic<Open*> open_{nullptr};
};

}  // namespace proconsul::agent::tokens
