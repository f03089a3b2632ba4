// Config entries, the CA, intentions, discovery chains, peerings.
#include "agent/http/routes/families.h"

#include "agent/http/connect_ca_endpoint.h"
#include "agent/http/route.h"
#include "agent/http/routes/failures.h"
#include "agent/rpc/connect_ca_types.h"
#include "catalog/types/connect_ca.h"

namespace proconsul::agent::http {
namespace {

using base::type_of;
using enum Method;

constexpr Failure kNotConfigured{500, R"([\s\S]+)", "The authority cannot be like that: the text says why."};

constexpr Route kConfigRoutes[] = {
    {get, "/v1/config/", later(), kNoNamespace},
    {delete_, "/v1/config/", later(), kNoNamespace},
    {put, "/v1/config", later(), kNoNamespace},
};

constexpr Route kConnectRoutes[] = {
    {get,
     "/v1/connect/ca/configuration",
     async(connect_ca_configuration),
     kQueryOptions | kAnyDatacenter,
     {.rpc = "ConnectCA.ConfigurationGet",
      .summary = "What the mesh's authority is told to do",
      .answer = type_of<catalog::CAConfiguration>,
      .failures = {&kNoMesh, &kDenied}}},
    {put,
     "/v1/connect/ca/configuration",
     async(set_connect_ca_configuration),
     kAnyDatacenter,
     {.rpc = "ConnectCA.ConfigurationSet",
      .summary = "Tell the mesh's authority what to do; another key or certificate makes another root",
      .params = param::kDatacenter,
      .body = type_of<catalog::CAConfiguration>,
      .gives = Content::nothing,
      .failures = {&kDenied, &kNotConfigured}}},
    {get,
     "/v1/connect/ca/roots",
     read(connect_ca_roots, ask_connect_ca_roots),
     kMetaOnError,
     {.rpc = "ConnectCA.Roots",
      .summary = "The roots that the mesh trusts",
      .params = param::kPem,
      .answer = type_of<rpc::TrustedRoots>,
      .failures = {&kNoMesh}}},
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

std::span<const Route> config_routes() {
  return kConfigRoutes;
}
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
