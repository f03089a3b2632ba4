// What proxy-defaults and service-defaults come to for one service, and how that is laid under its registration.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/watch.h"
#include "catalog/store/tables.h"
#include "catalog/types/proxy.h"
#include "catalog/types/service.h"
#include "catalog/types/service_config.h"

namespace proconsul::catalog {

/// Of which service, and what its proxy's registration says that matters for its upstreams.
struct ServiceConfigQuestion {
  std::string service{};
  MeshGatewayConfig mesh_gateway{};
  std::string mode{};
  std::vector<PeeredServiceName> upstreams{};
};
/// A sidecar is configured as the service that it stands before, with the upstreams of its registration.
ServiceConfigQuestion service_config_question(const NodeService& service);

/// Whether it is a proxy, whose configuration is central but for what its registration says: a sidecar or a gateway.
bool is_configured_centrally(const NodeService& service);

struct ResolvedServiceConfig {
  ServiceConfig config{};
  std::uint64_t index{};
  std::uint64_t content{};  // a hash of the entries that it is made of
};
/// `watch`: the entries that it depends on. An error: a free configuration that makes no sense.
base::Result<ResolvedServiceConfig> resolve_service_config(const Tables& tables, const ServiceConfigQuestion& question,
                                                           base::KeySet* watch);

/// The service as it is with what is configured centrally: its registration counts first.
base::Result<NodeService> merge_service_config(const ServiceConfig& central, NodeService service);

/// Both, if it is configured so: for answers with the central configuration in them. Raises `index`.
base::Result<> add_central_config(const Tables& tables, NodeService& service, std::uint64_t& index,
                                  base::KeySet* watch);

}  // namespace proconsul::catalog
