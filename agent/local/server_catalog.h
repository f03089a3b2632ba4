// The catalog of the server in this process.
#pragma once

#include "agent/local/catalog.h"
#include "agent/server/server.h"

namespace proconsul::agent::local {

class ServerCatalog final : public Catalog {
 public:
  /// The server outlives it.
  ServerCatalog(std::string own_node, server::Server& server) : own_node_(std::move(own_node)), server_(server) {}

  void fetch(std::move_only_function<void(base::Result<Remote>)> done) override;
  void submit(Step::Request request, std::move_only_function<void(base::Result<>)> done) override;
  std::unique_ptr<Followed> follow(const std::string& node, const std::string& service_id,
                                   std::function<void()> changed) override;

 private:
  const std::string own_node_;
  server::Server& server_;
};

}  // namespace proconsul::agent::local
