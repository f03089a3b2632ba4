// hashicorp.consul.serverdiscovery.ServerDiscoveryService: which servers a data plane may connect to.
#pragma once

#include "agent/grpc/bearer.h"
#include "agent/grpc/followed.h"
#include "agent/grpc/method.h"
#include "agent/grpc/ready_servers.h"
#include "agent/server/operator.h"
#include "agent/server/server.h"
#include "base/net/loop.h"

namespace proconsul::agent::grpc {

class DiscoveryService {
 public:
  /// All outlive it.
  DiscoveryService(base::net::Loops& loops, server::Server& server, server::Operator& cluster, Bearers& bearers)
      : ready_(loops, server, cluster), followers_(loops, server, bearers) {}
  void add_to(Services& services);

 private:
  class Watch;
  ReadyServers ready_;
  Followers followers_;
};

}  // namespace proconsul::agent::grpc
