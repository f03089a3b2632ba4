// The data plane of a mesh gateway: takes connections, reads whom their ClientHello names, and forwards them untouched.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/net/loop.h"
#include "base/result.h"
#include "wanfed/gateway/balancer.h"
#include "wanfed/gateway/client_hello.h"
#include "wanfed/gateway/counters.h"
#include "wanfed/gateway/routes.h"

namespace proconsul::wanfed::gateway {

struct Limits {
  using Duration = std::chrono::milliseconds;
  std::int64_t connections = 0;  // of all clients; 0: as many as the process may have descriptors for
  std::int64_t per_source = 0;   // of one client address; 0: no limit. Another gateway is one address for many
  std::size_t opening = 4096;    // of each loop that wait for a ClientHello; above it the oldest is ended
  std::size_t hello_bytes = ClientHelloParser::kMostBytes;
  std::size_t held_bytes = 32 * 1024 * 1024;  // of hellos that one loop has not sent on yet; above it as above
  Duration hello_timeout{5'000};
  Duration connect_timeout{3'000};  // to one endpoint
  Duration dial_timeout{10'000};    // to all that are tried
  int attempts = 3;                 // endpoints that are tried
  // To all that are tried of the own datacenter's servers. Who dials from elsewhere waits 1.5s in vain and then takes
  // the gateways between for silent: that the server is must be told before, by a reset.
  Duration servers_timeout{1'000};
  Duration answer_timeout{5'000};  // until the first byte from the endpoint
  Duration silence{1'000};         // a client that leaves so long after its hello, unanswered, had a silent endpoint
  Duration idle_timeout{3'600'000};
  Duration drain{30'000};  // how long connections last whose route is gone
};

struct Options {
  Limits limits{};
  BalancerOptions balancer{};
  bool splicing = true;                 // false: bytes are copied
  std::size_t pipe_bytes = 512 * 1024;  // what one direction of a connection may hold while its sink is slow
};

class Gateway {
 public:
  using Clock = base::net::Clock;

  /// Spreads over all of `loops`, which outlive it and still run when it stops.
  Gateway(base::net::Loops& loops, Options options);
  ~Gateway();
  Gateway(const Gateway&) = delete;

  /// Takes connections at exactly these addresses from now on, each an IP address and a port; port 0 takes a free one.
  /// Those that stay are not touched, and open connections go on. At the first that cannot be had, none is changed; one
  /// that goes and stands in the way ("10.0.0.1:8443" of "0.0.0.0:8443") is closed for as long as that is tried. Not
  /// from a loop's thread.
  base::Result<> listen(const std::vector<Address>& addresses);
  /// Where it listens, with real ports, in the order of listen().
  std::vector<Address> listening() const;

  /// For connections that come from now on; those of removed routes are ended when they have had Limits::drain to go.
  /// Before the first call there are no routes. Any thread.
  RouteChanges set_routes(std::shared_ptr<const RouteTable> table);
  /// From now on; what is above a lower limit stays. Any thread.
  void set_limits(const Limits& limits);

  /// Any thread; some microseconds, no loop is asked.
  Snapshot snapshot() const;

  /// Takes no more connections for good, and calls `done` on some loop when the last one has ended, or was cut after
  /// `patience`: once, or never if stop() comes before. Any thread.
  void drain(Clock::duration patience, std::move_only_function<void()> done);
  /// Cuts everything. Idempotent; not from a loop's thread.
  void stop();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace proconsul::wanfed::gateway
