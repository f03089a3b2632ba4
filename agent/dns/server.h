// The DNS server: sockets on every loop, around the resolver.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agent/config/address.h"
#include "agent/dns/settings.h"
#include "agent/rpc/caller.h"
#include "agent/server/server.h"
#include "base/net/loop.h"
#include "base/result.h"

namespace proconsul::agent::tokens {
class Resolver;
class Store;
}  // namespace proconsul::agent::tokens

namespace proconsul::agent::dns {

/// With whose eyes questions are answered. All null: ACLs are off.
struct Eyes {
  const tokens::Store* own = nullptr;    // has the token
  tokens::Resolver* resolver = nullptr;  // null on a client agent: servers leave out what the token may not read
};

class DnsServer {
 public:
  /// All outlive it. `server` is null on a client agent; `caller` asks other servers, null: there are none.
  DnsServer(base::net::Loops& loops, server::Server* server, rpc::Caller* caller, Eyes eyes, Settings settings);
  ~DnsServer();

  /// Listens on an address of kind udp or tcp; returns the port, which matters for port 0.
  base::Result<std::uint16_t> listen(const config::Address& address);
  /// A message that came in another way than by these sockets, as if from `from`.
  struct Caller {
    bool udp{};  // what fits there is answered, as over UDP
    sockaddr_storage from{};
    socklen_t from_size{};
    std::string token{};  // to look with; empty: the agent's
  };
  /// `done` gets the answer on the loop, whose thread this is, perhaps at once; it is dropped where there is none.
  void ask(base::net::Loop& loop, std::string_view message, Caller caller,
           std::move_only_function<void(std::string_view answer)> done);
  /// From now on; look-ups that wait for others go on with what they began with.
  void reload(Settings settings);
  /// Closes all sockets; what waits is dropped. Idempotent; before the loops stop.
  void stop();

  struct Counts {
    std::size_t tcp_connections{}, waiting{};
  };
  Counts counts() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace proconsul::agent::dns
