// All of peering that a server has.
#pragma once

#include <memory>
#include <vector>

#include "agent/grpc/client.h"
#include "agent/grpc/method.h"
#include "agent/peering/duties.h"
#include "agent/peering/peer_client.h"
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
    grpc::RemoteCalls& leader;
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
  /// Not from a loop; after the calls of the leader. Idempotent.
  void stop();

 private:
  Tracker tracker_{base::system_clock()};
  PeerClient peers_;
  Service service_;
  Streams streams_;
  Duties duties_;
  const bool enabled_;
};

}  // namespace proconsul::agent::peering
