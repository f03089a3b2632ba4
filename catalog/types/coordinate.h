// Network coordinates of nodes.
#pragma once

#include <string>

#include "base/type.h"
#include "catalog/types/common.h"
#include "gossip/serf/coordinate.h"

namespace proconsul::catalog {

/// A Vivaldi coordinate; its units are seconds.
using NetworkCoordinate = gossip::serf::Coordinate;

/// A node's coordinate in one network segment. Command 6 is a list of these.
struct Coordinate {
  std::string Node{};
  std::string Segment{};
  std::string Partition{};
  base::Pointer<NetworkCoordinate> Coord{};
};
PROCONSUL_DECLARE_TYPE(Coordinate)
using Coordinates = base::List<base::Pointer<Coordinate>>;

/// PUT /v1/coordinate/update
struct CoordinateUpdateRequest : WriteRequest {
  std::string Datacenter{};
  std::string Node{};
  std::string Segment{};
  base::Pointer<NetworkCoordinate> Coord{};
};
PROCONSUL_DECLARE_TYPE(CoordinateUpdateRequest)

/// Coordinates of one datacenter's nodes: GET /v1/coordinate/datacenters.
struct DatacenterMap {
  std::string Datacenter{};
  std::string AreaID{};
  catalog::Coordinates Coordinates{};
};
PROCONSUL_DECLARE_TYPE(DatacenterMap)

}  // namespace proconsul::catalog
