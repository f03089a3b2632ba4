// All of peering that a server has.
#pragma once

#include <memory>
#include <vector>

#include "agent/grpc/client.h"
#include "agent/grpc/method.h"
#include "agent/peering/duties.h"
#include "agent/peering/peer_client.h"
#include "agent/peering/remote_calls.h"
#include "agent/peering/service.h"
#include "agent/peering/stream.h"
#include "agent/peering/tracker.h"
#include "agent/rpc/cluster.h"
#include "base/clock.h"

namespace proconsul::agent::peering {

class Plane {
 public:
  struct Parts {
    base::net::Loops& loops;
    server::Server& server;
    rpc::Caller& dispatcher;
    rpc::Cluster& cluster;
    grpc::Client& servers;  // of this cluster
    base::Duration hold{};  // rpc_hold_timeout
  };
  /// All outlive it.
  Plane(const Parts& parts, const Service::Settings& settings);
  ~Plane();

  Caller& caller() { return service_; }
  /// For servers of this cluster and client agents.
  void add_to_server_port(grpc::Services& services);
  /// For servers of other clusters; nothing where peering is off.
  void add_public(grpc::Services& services);
  void start();
  /// Not from a loop; before the client of this cluster's servers. Idempotent.
  void stop();

 private:
  Tracker tracker_{base::system_clock()};
  PeerClient peers_;
  RemoteCalls leader_;
  Service service_;
  Streams streams_;
  Duties duties_;
  const bool enabled_;
};

}  // namespace proconsul::agent::peering
