// What Envoy is configured with as a mesh gateway, made of what is known of the world. Pure.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/xds/resources.h"
#include "base/type.h"
#include "catalog/types/config_chain.h"
#include "catalog/types/config_services.h"
#include "catalog/types/service.h"

namespace proconsul::agent::xds {

using Instances = base::List<catalog::CheckServiceNode>;
using InstancesPtr = std::shared_ptr<const Instances>;
using InstancesByName = std::map<std::string, InstancesPtr, std::less<>>;

struct GatewayWorld {
  std::string datacenter{};
  std::string domain = "consul";
  std::string trust_domain{};
  catalog::NodeService service{};  // the gateway's own registration, with what is configured centrally

  // Gateways of other datacenters, as those tell themselves and as federation states do: of each datacenter those
  // count that changed last. The states may have this datacenter, too.
  InstancesByName told{}, states{};
  InstancesByName services{};  // of this datacenter, in the mesh: proxies, native instances, terminating gateways
  InstancesPtr servers{};      // of this datacenter; null: nobody needs them
  std::map<std::string, std::shared_ptr<const catalog::ServiceResolverConfigEntry>, std::less<>> resolvers{};
  base::Pointer<catalog::UpstreamLimits> limits{};  // of connections to one cluster
  bool peering_through_gateways = false;
};

/// Whether it leads to servers, too.
bool exposes_servers(const GatewayWorld& world);

/// What is wrong with the registration or a resolver is logged, and left out.
Resources mesh_gateway_resources(const GatewayWorld& world);

}  // namespace proconsul::agent::xds
