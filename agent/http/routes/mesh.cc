// The CA, discovery chains, peerings.
#include "agent/http/routes/families.h"

#include "agent/http/connect_ca_endpoint.h"
#include "agent/http/gateway_endpoint.h"
#include "agent/http/peering_endpoint.h"
#include "agent/http/route.h"
#include "agent/http/routes/failures.h"
#include "agent/rpc/connect_ca_types.h"
#include "agent/rpc/gateway_types.h"
#include "catalog/query/exported.h"
#include "catalog/types/connect_ca.h"
#include "catalog/types/discovery_chain.h"

namespace proconsul::agent::http {
namespace {

using base::List;
using base::Map;
using base::Pointer;
using base::type_of;
using enum Method;

constexpr Failure kBadOverrides{400, R"((Request decoding failed|Invalid OverrideMeshGateway)[\s\S]*)",
                                "The body makes no sense."};
constexpr Failure kNoChain{
    500, R"((failed to compile discovery chain|no cluster ca config setup|Connect must be enabled)[\s\S]*)",
    "The entries make no chain, or there is no mesh."};

constexpr Failure kNotConfigured{500, R"([\s\S]+)", "The authority cannot be like that: the text says why."};

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
};

constexpr Route kDiscoveryChainRoutes[] = {
    {get,
     "/v1/discovery-chain/",
     ask(ask_discovery_chain),
     kNoNamespace | kShowConsistency | kMetaOnError | kCacheable,
     {.rpc = "DiscoveryChain.Get",
      .summary = "What leads from a service to its instances",
      .rest = "service",
      .params = param::kCompileDatacenter,
      .answer = type_of<Map<Pointer<catalog::CompiledDiscoveryChain>>>,
      .failures = {&kDenied, &kNoChain}}},
    {post,
     "/v1/discovery-chain/",
     ask(ask_discovery_chain),
     kNoNamespace | kShowConsistency | kMetaOnError,
     {.rpc = "DiscoveryChain.Get",
      .summary = "The same with other settings than those of the entries",
      .rest = "service",
      .params = param::kCompileDatacenter,
      .body = type_of<DiscoveryChainOverrides>,
      .answer = type_of<Map<Pointer<catalog::CompiledDiscoveryChain>>>,
      .failures = {&kBadOverrides, &kDenied, &kNoChain}}},
};

constexpr Route kExportedServicesRoutes[] = {
    {get,
     "/v1/exported-services",
     ask(ask_exported_services),
     kNoPartition | kAnyDatacenter,
     {.rpc = rpc::kResolvedExportedServices,
      .summary = "The services that others may use, and who",
      .answer = type_of<List<catalog::ResolvedExportedService>>,
      .failures = {&kDenied}}},
};

constexpr Failure kNoPeering{404, R"(Peering not found for "[\s\S]*")", "There is none of this name."};
constexpr Failure kNoPeeringName{400, R"(Must specify a name to fetch\.)", "The name is missing."};
constexpr Failure kBadPeeringBody{400, R"((Body decoding failed|PeerName is required|PeeringToken is required)[\s\S]*)",
                                  "The body makes no sense, or something is missing."};
constexpr Failure kRefusedPeering{500, R"([\s\S]+)", "The servers refuse it: the text says why."};
constexpr Failure kUnreachablePeer{503, R"([\s\S]+)", "The servers of the other side cannot be reached."};

constexpr Route kPeeringRoutes[] = {
    {post,
     "/v1/peering/token",
     async(generate_peering_token),
     kNoPartition,
     {.rpc = "Peering.GenerateToken",
      .summary = "Make a token with which another cluster establishes a peering",
      .body = type_of<PeeringTokenBody>,
      .answer = type_of<PeeringTokenAnswer>,
      .failures = {&kBadPeeringBody, &kDenied, &kRefusedPeering}}},
    {post,
     "/v1/peering/establish",
     async(establish_peering),
     kNoPartition,
     {.rpc = "Peering.Establish",
      .summary = "Establish a peering with the cluster that made the token",
      .body = type_of<PeeringEstablishBody>,
      .answer = type_of<PeeringEstablishAnswer>,
      .failures = {&kBadPeeringBody, &kDenied, &kRefusedPeering, &kUnreachablePeer}}},
    {get,
     "/v1/peering/",
     async(read_peering),
     kNoPartition | kQueryOptions | kAnyDatacenter,
     {.rpc = "Peering.Read",
      .summary = "A peering, and what its stream is like",
      .rest = "name",
      .answer = type_of<ShownPeering>,
      .failures = {&kNoPeering, &kNoPeeringName, &kDenied, &kRefusedPeering}}},
    {delete_,
     "/v1/peering/",
     async(delete_peering),
     kNoPartition,
     {.rpc = "Peering.Delete",
      .summary = "Delete a peering; what was imported of it goes first",
      .rest = "name",
      .gives = Content::nothing,
      .failures = {&kNoPeeringName, &kDenied, &kRefusedPeering}}},
    {get,
     "/v1/peerings",
     async(list_peerings),
     kNoPartition | kQueryOptions | kAnyDatacenter,
     {.rpc = "Peering.List",
      .summary = "All peerings",
      .answer = type_of<List<ShownPeering>>,
      .failures = {&kDenied, &kRefusedPeering}}},
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
