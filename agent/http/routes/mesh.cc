// The CA, intentions, discovery chains, peerings.
#include "agent/http/routes/families.h"

#include "agent/http/route.h"

namespace proconsul::agent::http {
namespace {

using enum Method;

constexpr Route kConnectRoutes[] = {
    {get, "/v1/connect/ca/configuration", later()},
    {put, "/v1/connect/ca/configuration", later()},
    {get, "/v1/connect/ca/roots", later()},
    {get, "/v1/connect/intentions", later(), kNoNamespace},
    {post, "/v1/connect/intentions", later(), kNoNamespace},
    {get, "/v1/connect/intentions/match", later(), kNoNamespace},
    {get, "/v1/connect/intentions/check", later(), kNoNamespace},
    {get, "/v1/connect/intentions/exact", later(), kNoNamespace},
    {put, "/v1/connect/intentions/exact", later(), kNoNamespace},
    {delete_, "/v1/connect/intentions/exact", later(), kNoNamespace},
    {get, "/v1/connect/intentions/", later()},
    {put, "/v1/connect/intentions/", later(), kNoNamespace},
    {delete_, "/v1/connect/intentions/", later()},
};

constexpr Route kDiscoveryChainRoutes[] = {
    {get, "/v1/discovery-chain/", later(), kNoNamespace},
    {post, "/v1/discovery-chain/", later(), kNoNamespace},
};

constexpr Route kExportedServicesRoutes[] = {
    {get, "/v1/exported-services", later(), kNoPartition},
};

constexpr Route kPeeringRoutes[] = {
    {post, "/v1/peering/token", later(), kNoPartition}, {post, "/v1/peering/establish", later(), kNoPartition},
    {get, "/v1/peering/", later(), kNoPartition},       {delete_, "/v1/peering/", later(), kNoPartition},
    {get, "/v1/peerings", later(), kNoPartition},
};

}  // namespace

std::span<const Route> connect_routes() {
  return kConnectRoutes;
}
std::span<const Route> discovery_chain_routes() {
  return kDiscoveryChainRoutes;
}
std::span<const Route> exported_services_routes() {
  return kExportedServicesRoutes;
}
std::span<const Route> peering_routes() {
  return kPeeringRoutes;
}

}  // namespace proconsul::agent::http
