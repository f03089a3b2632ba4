#include "agent/cluster/datacenters.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "agent/server/server_info.h"
#include "catalog/query/distance.h"

namespace proconsul::agent::cluster {

using gossip::serf::Coordinate;
using gossip::serf::CoordinateTree;
using gossip::serf::MemberPtr;
using gossip::serf::MemberStatus;

std::vector<std::string> datacenters_by_distance(const std::string& datacenter, const std::vector<MemberPtr>& wan,
                                                 const CoordinateTree& coordinates, const Coordinate* own) {
  std::map<std::string, std::vector<double>> far;
  for (const MemberPtr& member : wan) {
    if (member->Status == MemberStatus::left) continue;
    const auto server = server::server_info(*member);
    if (!server || server->datacenter == datacenter) continue;
    const auto* there = coordinates.get(member->Name);
    far[server->datacenter].push_back(own != nullptr && there != nullptr ? catalog::seconds_between(*own, *there)
                                                                         : std::numeric_limits<double>::infinity());
  }
  std::vector<std::pair<double, std::string>> sorted;
  for (auto& [name, seconds] : far) {
    std::ranges::sort(seconds);
    sorted.emplace_back(seconds[seconds.size() / 2], name);
  }
  std::ranges::sort(sorted);
  std::vector<std::string> names{datacenter};
  for (auto& [seconds, name] : sorted) names.push_back(std::move(name));
  return names;
}

base::List<catalog::DatacenterMap> datacenter_maps(const std::vector<MemberPtr>& wan,
                                                   const CoordinateTree& coordinates) {
  std::map<std::string, catalog::DatacenterMap> maps;
  for (const MemberPtr& member : wan) {
    if (member->Status == MemberStatus::left) continue;
    const auto server = server::server_info(*member);
    const auto* there = coordinates.get(member->Name);
    if (!server || there == nullptr) continue;
    catalog::Coordinate entry;
    entry.Node = server->short_name;
    entry.Coord = catalog::NetworkCoordinate(*there);
    maps[server->datacenter].Coordinates.emplace_back(std::move(entry));
  }
  base::List<catalog::DatacenterMap> list;
  for (auto& [datacenter, map] : maps) {
    map.Datacenter = datacenter;
    map.AreaID = "wan";
    list.push_back(std::move(map));
  }
  return list;
}

}  // namespace proconsul::agent::cluster
