// Datacenters as the WAN pool knows them: how far they are, and where their servers are.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/type.h"
#include "catalog/types/coordinate.h"
#include "gossip/serf/event.h"
#include "gossip/serf/serf.h"

namespace proconsul::agent::cluster {

/// All datacenters that have a server in the WAN pool which has not left, by the median round trip from `own` to their
/// servers; those that are equally far, or that nobody has measured, by name. `datacenter`, this one, is first.
std::vector<std::string> datacenters_by_distance(const std::string& datacenter,
                                                 const std::vector<gossip::serf::MemberPtr>& wan,
                                                 const gossip::serf::CoordinateTree& coordinates,
                                                 const gossip::serf::Coordinate* own);

/// The coordinates of each one's servers, which are named without their datacenter; by datacenter, then by name.
/// Servers that nobody has measured are left out.
base::List<catalog::DatacenterMap> datacenter_maps(const std::vector<gossip::serf::MemberPtr>& wan,
                                                   const gossip::serf::CoordinateTree& coordinates);

}  // namespace proconsul::agent::cluster
