// The catalog of the server in this process.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "agent/local/catalog.h"
#include "agent/server/server.h"
#include "agent/tokens/resolver.h"

namespace proconsul::agent::local {

class ServerCatalog final : public Catalog {
 public:
  /// Both outlive it. `tokens` is null while ACLs are off. `knows_tokens` says whether the agent's tokens can be known
  /// by now; until then changes wait as they do for a leader. Unset: always.
  ServerCatalog(std::string own_node, server::Server& server, tokens::Resolver* tokens,
                std::function<bool()> knows_tokens = {})
      : own_node_(std::move(own_node)), server_(server), tokens_(tokens), knows_tokens_(std::move(knows_tokens)) {}

  void fetch(std::move_only_function<void(base::Result<Remote>)> done) override;
  void submit(Step::Request request, std::move_only_function<void(base::Result<>)> done) override;
  std::unique_ptr<Followed> follow(const std::string& node, const std::string& service_id, const std::string& token,
                                   std::function<void()> changed) override;

 private:
  const std::string own_node_;
  server::Server& server_;
  tokens::Resolver* const tokens_;
  const std::function<bool()> knows_tokens_;
};

}  // namespace proconsul::agent::local
