// The catalog, and the network coordinates of its nodes.
#include "agent/http/routes/families.h"

#include "agent/http/catalog_endpoint.h"
#include "agent/http/coordinate_endpoint.h"
#include "agent/http/gateway_endpoint.h"
#include "agent/http/route.h"
#include "agent/http/routes/failures.h"
#include "catalog/types/coordinate.h"
#include "catalog/types/register.h"
#include "catalog/types/service.h"

namespace proconsul::agent::http {
namespace {

using base::List;
using base::Map;
using base::Pointer;
using base::type_of;
using enum Method;

constexpr Failure kNoCoordinates{401, "Coordinate support disabled", "disable_coordinates"};
constexpr Failure kBadCoordinate{500, "invalid coordinate|incompatible coordinate",
                                 "The servers refuse it: Consul's status for that."};

constexpr Route kCatalogRoutes[] = {
    {put,
     "/v1/catalog/register",
     async(catalog_register),
     kNoNamespace,
     {.rpc = "Catalog.Register",
      .metric = "catalog_register",
      .summary = "Write a node, a service and checks",
      .body = type_of<catalog::RegisterRequest>,
      .answer = type_of<bool>,
      .failures = {&kRefusedWrite}}},
    {get,
     "/v1/catalog/connect/",
     read(catalog_connect, ask_catalog_connect),
     kNoNamespace | kDiscovery | kCacheable | kMetaOnError,
     {.rpc = "Catalog.ServiceNodes",
      .metric = "catalog_service_nodes",
      .summary = "Instances in the mesh that lead to a service",
      .rest = "service",
      .params =
          param::kFilter | param::kNear | param::kNodeMeta | param::kTag | param::kPeer | param::kMergeCentralConfig,
      .answer = type_of<List<catalog::ServiceNode>>}},
    {put,
     "/v1/catalog/deregister",
     async(catalog_deregister),
     kNoNamespace,
     {.rpc = "Catalog.Deregister",
      .metric = "catalog_deregister",
      .summary = "Remove a node, a service or a check",
      .body = type_of<catalog::DeregisterRequest>,
      .answer = type_of<bool>,
      .failures = {&kRefusedWrite}}},
    {get,
     "/v1/catalog/datacenters",
     async(catalog_datacenters),
     kGoesOn | kDiscovery | kCacheable | kNotRefreshed,
     {.rpc = "Catalog.ListDatacenters",
      .metric = "catalog_datacenters",
      .summary = "All known datacenters, the nearest first",
      .answer = type_of<List<std::string>>}},
    {get,
     "/v1/catalog/nodes",
     read(catalog_nodes, ask_catalog_nodes),
     kNoPartition | kDiscovery | kMetaOnError,
     {.rpc = "Catalog.ListNodes",
      .metric = "catalog_nodes",
      .summary = "All nodes",
      .params = param::kFilter | param::kNear | param::kNodeMeta,
      .answer = type_of<List<catalog::Node>>}},
    {get,
     "/v1/catalog/services",
     read(catalog_services, ask_catalog_services),
     kNoNamespace | kDiscovery | kCacheable | kMetaOnError,
     {.rpc = "Catalog.ListServices",
      .metric = "catalog_services",
      .summary = "The names of all services, with their tags",
      .params = param::kFilter | param::kNodeMeta,
      .answer = type_of<Map<List<std::string>>>}},
    {get,
     "/v1/catalog/service/",
     read(catalog_service, ask_catalog_service),
     kNoNamespace | kDiscovery | kCacheable | kMetaOnError,
     {.rpc = "Catalog.ServiceNodes",
      .metric = "catalog_service_nodes",
      .summary = "The instances of a service",
      .rest = "service",
      .params =
          param::kFilter | param::kNear | param::kNodeMeta | param::kTag | param::kPeer | param::kMergeCentralConfig,
      .answer = type_of<List<catalog::ServiceNode>>}},
    {get,
     "/v1/catalog/node/",
     read(catalog_node, ask_catalog_node),
     kNoNamespace | kDiscovery | kMetaOnError,
     {.rpc = "Catalog.NodeServices",
      .metric = "catalog_node_services",
      .summary = "A node and its services by their ids; null if there is no such node",
      .rest = "node",
      .params = param::kFilter,
      .answer = type_of<Pointer<catalog::NodeServices>>}},
    {get,
     "/v1/catalog/node-services/",
     read(catalog_node_services, ask_catalog_node_services),
     kNoNamespace | kDiscovery | kMetaOnError,
     {.rpc = "Catalog.NodeServiceList",
      .metric = "catalog_node_service_list",
      .summary = "A node and the list of its services",
      .rest = "node",
      .params = param::kFilter | param::kMergeCentralConfig,
      .answer = type_of<catalog::NodeServiceList>}},
    {get,
     "/v1/catalog/gateway-services/",
     ask(ask_gateway_services),
     kNoNamespace | kDiscovery | kMetaOnError,
     {.rpc = "Catalog.GatewayServices",
      .metric = "catalog_gateway_services",
      .summary = "The services that a gateway serves",
      .rest = "gateway",
      .answer = type_of<List<Pointer<catalog::GatewayService>>>,
      .failures = {&kDenied}}},
};

constexpr Route kCoordinateRoutes[] = {
    {get,
     "/v1/coordinate/datacenters",
     async(coordinate_datacenters),
     {},
     {.rpc = "Coordinate.ListDatacenters",
      .summary = "Network coordinates of the servers of all datacenters",
      .answer = type_of<List<catalog::DatacenterMap>>,
      .failures = {&kNoCoordinates}}},
    {get,
     "/v1/coordinate/nodes",
     read(coordinate_nodes, ask_coordinate_nodes),
     kNoPartition | kMetaOnError,
     {.rpc = "Coordinate.ListNodes",
      .summary = "Network coordinates of all nodes",
      .params = param::kSegment,
      .answer = type_of<List<catalog::Coordinate>>,
      .failures = {&kNoCoordinates}}},
    {get,
     "/v1/coordinate/node/",
     read(coordinate_node, ask_coordinate_node),
     kNoPartition | kMetaOnError | kBareNotFound,
     {.rpc = "Coordinate.Node",
      .summary = "Network coordinates of a node",
      .rest = "node",
      .params = param::kSegment,
      .answer = type_of<List<catalog::Coordinate>>,
      .failures = {&kNoCoordinates, &kNothing}}},
    {put,
     "/v1/coordinate/update",
     async(coordinate_update),
     kNoNamespace,
     {.rpc = "Coordinate.Update",
      .summary = "Set the network coordinate of a node",
      .params = param::kDatacenter,
      .body = type_of<catalog::CoordinateUpdateRequest>,
      .gives = Content::nothing,
      .failures = {&kNoDatacenter, &kNoCoordinates, &kBadCoordinate}}},
};

}  // namespace

std::span<const Route> catalog_routes() {
  return kCatalogRoutes;
}
std::span<const Route> coordinate_routes() {
  return kCoordinateRoutes;
}

}  // namespace proconsul::agent::http
