// envoy.service.discovery.v3.AggregatedDiscoveryService: Envoy's configuration, of the proxies that are registered.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/grpc/bearer.h"
#include "agent/grpc/method.h"
#include "agent/grpc/wakes.h"
#include "agent/local/local_agent.h"
#include "agent/rpc/caller.h"
#include "agent/server/server.h"
#include "agent/tokens/remote_resolver.h"
#include "agent/tokens/resolver.h"
#include "base/net/loop.h"
#include "base/watch.h"

namespace proconsul::agent::xds {

class Service {
 public:
  struct Parts {
    base::net::Loops& loops;
    rpc::Caller& caller;
    local::LocalAgent& local;
    base::WatchRegistry& local_watches;  // that `local` reports to
    server::Server* server = nullptr;    // null on a client agent
    // Null, both of them: ACLs are off.
    tokens::Resolver* tokens = nullptr;
    tokens::RemoteResolver* remote_tokens = nullptr;
    std::string node{};
    std::string datacenter{};
    std::string domain{};  // of servers' names in TLS
  };
  /// All outlive it, and who reports to the watches ends before it does.
  explicit Service(Parts parts);
  /// It outlives them.
  void add_to(grpc::Services& services);

 private:
  class Stream;
  /// `done` comes on the loop, whose thread this is; maybe at once.
  void find_who(base::net::Loop& loop, std::string token,
                std::move_only_function<void(base::Result<tokens::Who>)> done);

  const Parts parts_;
  std::optional<grpc::Bearers> bearers_{};  // of a server
  std::vector<std::unique_ptr<grpc::Wakes>> wakes_{};
};

}  // namespace proconsul::agent::xds
