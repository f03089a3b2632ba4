// hashicorp.consul.dataplane.DataplaneService: what a data plane asks before it starts its Envoy.
#pragma once

#include <string>

#include "agent/grpc/bearer.h"
#include "agent/grpc/method.h"
#include "agent/grpc/public_messages.h"
#include "agent/server/server.h"

namespace proconsul::agent::grpc {

class DataplaneService {
 public:
  /// All outlive it.
  DataplaneService(server::Server& server, Bearers& bearers, std::string datacenter)
      : server_(server), bearers_(bearers), datacenter_(std::move(datacenter)) {}
  void add_to(Services& services);

 private:
  server::Server& server_;
  Bearers& bearers_;
  const std::string datacenter_;
};

}  // namespace proconsul::agent::grpc
