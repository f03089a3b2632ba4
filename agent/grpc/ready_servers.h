// Which servers are ready to answer, stale reads at least: what autopilot knows of them, looked at every two seconds
// while somebody follows it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/server/operator.h"
#include "agent/server/server.h"
#include "base/net/loop.h"

namespace proconsul::agent::grpc {

struct ServerPlace {
  std::string id{};
  std::string address{};  // of the LAN, without a port, as is
  std::string wan{};      // that of the WAN; empty: it has none
  std::string version{};  // "1.21.4"
  bool operator==(const ServerPlace&) const = default;
};

class ReadyServers {
 public:
  using List = std::shared_ptr<const std::vector<ServerPlace>>;  // sorted by ID
  /// All outlive it, and it outlives what the loops have to do.
  ReadyServers(base::net::Loops& loops, server::Server& server, server::Operator& cluster);
  ~ReadyServers();

  /// From now on until the ticket goes: `changed` is called on the loop, soon for the first time.
  using Ticket = std::shared_ptr<void>;
  Ticket follow(base::net::Loop& loop, std::function<void(const List& servers)> changed);

 private:
  class Home;
  const std::shared_ptr<Home> home_;
};

}  // namespace proconsul::agent::grpc
