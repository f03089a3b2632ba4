// The public services of a server, on its gRPC ports and, those that client agents forward, on the server port.
#pragma once

#include <string>

#include "agent/grpc/acl_service.h"
#include "agent/grpc/bearer.h"
#include "agent/grpc/connect_ca_service.h"
#include "agent/grpc/dataplane_service.h"
#include "agent/grpc/discovery_service.h"
#include "agent/grpc/method.h"
#include "agent/rpc/caller.h"
#include "agent/server/operator.h"
#include "agent/server/server.h"
#include "agent/tokens/resolver.h"
#include "base/net/loop.h"

namespace proconsul::agent::grpc {

class PublicServices {
 public:
  struct Settings {
    std::string datacenter = "dc1";
    bool connect_enabled = false;
    tokens::Resolver* tokens = nullptr;  // outlives them; null: ACLs are off
  };
  /// All outlive it, and the server's writer ends before it does.
  PublicServices(base::net::Loops& loops, server::Server& server, server::Operator& cluster, rpc::Caller& caller,
                 Settings settings);
  /// Those that have a place on the server port.
  void add_to_server_port(Services& services);
  /// All of them.
  void add_to(Services& services);

 private:
  Bearers bearers_;
  AclService acl_;
  ConnectCaService connect_ca_;
  DataplaneService dataplane_;
  DiscoveryService discovery_;
};

}  // namespace proconsul::agent::grpc
