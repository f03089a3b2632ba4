// The block "mesh_gateway": the built-in mesh gateway inside an agent.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agent/config/address.h"
#include "agent/config/settings.h"
#include "base/time.h"
#include "catalog/types/service.h"

namespace proconsul::agent::config {

struct MeshGatewayLimits {
  std::int64_t max_connections{};                      // 0: as many as the process may have
  std::int64_t max_connections_per_source{};           // of one client address; 0: no limit
  base::Duration handshake_timeout{base::seconds(5)};  // until a client has said whom it wants
  base::Duration connect_timeout{base::seconds(3)};    // to one endpoint; a second at most to servers
  base::Duration idle_timeout{base::seconds(3600)};
  base::Duration drain_timeout{base::seconds(10)};  // how long connections may go on at the end
};
/// Names the first value that is of no use; "" if there is none.
std::string wrong_limit(const MeshGatewayLimits& limits);

struct MeshGateway {
  bool enabled{};
  std::string service{};
  catalog::ServiceAddress address{};                                // LAN
  catalog::ServiceAddress wan_address{};                            // without a host: none
  std::map<std::string, catalog::ServiceAddress> bind_addresses{};  // instead of the two above
  bool expose_servers{};
  std::string token{};  // empty: the agent's own
  MeshGatewayLimits limits{};
};

/// Appends a sentence, with the key, for each value that is of no use.
MeshGateway mesh_gateway(const Settings& settings, const Surroundings& host, std::vector<std::string>& errors);

}  // namespace proconsul::agent::config
