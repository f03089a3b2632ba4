#include "agent/peering/plane.h"

namespace proconsul::agent::peering {

Plane::Plane(const Parts& parts, const Service::Settings& settings)
    : peers_(parts.loops),
      service_({.loops = parts.loops,
                .server = parts.server,
                .dispatcher = parts.dispatcher,
                .leader = parts.leader,
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

Plane::~Plane() {
  stop();
}

void Plane::add_to_server_port(grpc::Services& services) {
  service_.add_peering_service(services);
  add_public(services);
}

void Plane::add_public(grpc::Services& services) {
  if (!enabled_) return;
  services.add(std::string(kPeerStreamService), {service_.exchange_secret(), streams_.stream_resources()});
}

void Plane::start() {
  if (enabled_) duties_.start();
}

void Plane::stop() {
  duties_.stop();
  service_.stop();
  peers_.stop();
}

}  // namespace proconsul::agent::peering
