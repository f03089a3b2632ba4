#include "agent/cluster/flood.h"

#include <chrono>
#include <optional>
#include <set>
#include <utility>

#include "agent/server/server_info.h"

namespace proconsul::agent::cluster {
namespace {

constexpr std::chrono::seconds kInterval{60};

}  // namespace

std::vector<Missing> missing_on_wan(const std::vector<gossip::serf::MemberPtr>& lan,
                                    const std::vector<gossip::serf::MemberPtr>& wan, const std::string& datacenter) {
  std::set<std::string> known;
  for (const auto& member : wan) {
    const auto server = server::server_info(*member);
    if (server && server->datacenter == datacenter) known.insert(server->short_name);
  }
  std::vector<Missing> missing;
  for (const auto& member : lan) {
    if (member->Status != gossip::serf::MemberStatus::alive) continue;
    const auto server = server::server_info(*member);
    if (!server || server->datacenter != datacenter || server->wan_join_port == 0) continue;
    if (known.contains(server->name)) continue;
    missing.push_back(
        {.name = server->name + "." + datacenter,
         .address = {
             .ip = std::string(member->Addr), .port = server->wan_join_port, .node = server->name + "." + datacenter}});
  }
  return missing;
}

void Flood::look() {
  for (Missing& server : means_.missing()) means_.join(std::move(server));
  arm(loop_, base::net::Clock::now() + kInterval);
}

}  // namespace proconsul::agent::cluster
