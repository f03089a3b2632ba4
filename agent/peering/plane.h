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
  Plane(const Parts& parts, const Service::Settings& settings)
      : peers_(parts.loops),
        leader_(
            parts.loops, parts.servers,
            {.choose = [&cluster = parts.cluster] { return cluster.leader(); }, .unreachable = {}, .hold = parts.hold}),
        service_({.loops = parts.loops,
                  .server = parts.server,
                  .dispatcher = parts.dispatcher,
                  .leader = leader_,
                  .peers = peers_,
                  .tracker = tracker_},
                 settings),
        streams_({.loops = parts.loops,
                  .server = parts.server,
                  .tracker = tracker_,
                  .datacenter = settings.datacenter,
                  .connect_enabled = settings.connect_enabled}),
        duties_({.loops = parts.loops,
                 .server = parts.server,
                 .peers = peers_,
                 .streams = streams_,
                 .tracker = tracker_,
                 .datacenter = settings.datacenter,
                 .locality = settings.locality}),
        enabled_(settings.enabled) {}
  ~Plane() { stop(); }

  Caller& caller() { return service_; }
  /// For servers of this cluster and client agents.
  void add_to_server_port(grpc::Services& services) {
    service_.add_peering_service(services);
    add_public(services);
  }
  /// For servers of other clusters; nothing where peering is off.
  void add_public(grpc::Services& services) {
    if (!enabled_) return;
    services.add(std::string(kPeerStreamService), {service_.exchange_secret(), streams_.stream_resources()});
  }
  void start() {
    if (enabled_) duties_.start();
  }
  /// Not from a loop; before the client of this cluster's servers. Idempotent.
  void stop() {
    duties_.stop();
    leader_.stop();
    peers_.stop();
  }

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
