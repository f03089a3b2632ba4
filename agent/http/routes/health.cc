// Checks, and instances with their checks.
#include "agent/http/routes/families.h"

#include "agent/http/health_endpoint.h"
#include "agent/http/route.h"
#include "catalog/types/service.h"

namespace proconsul::agent::http {
namespace {

using base::List;
using base::type_of;
using enum Method;

constexpr Failure kNoSamenessGroups{500, "sameness groups are not supported in consul CE", "Not in this edition."};

constexpr Route kHealthRoutes[] = {
    {get,
     "/v1/health/node/",
     read(health_node, ask_health_node),
     kNoNamespace | kDiscovery | kMetaOnError,
     {.rpc = "Health.NodeChecks",
      .summary = "The checks of a node",
      .rest = "node",
      .params = param::kFilter,
      .answer = type_of<List<catalog::HealthCheck>>}},
    {get,
     "/v1/health/checks/",
     read(health_checks, ask_health_checks),
     kNoNamespace | kDiscovery | kMetaOnError,
     {.rpc = "Health.ServiceChecks",
      .summary = "The checks of a service",
      .rest = "service",
      .params = param::kFilter | param::kNear | param::kNodeMeta,
      .answer = type_of<List<catalog::HealthCheck>>}},
    {get,
     "/v1/health/state/",
     read(health_state, ask_health_state),
     kNoNamespace | kDiscovery | kMetaOnError,
     {.rpc = "Health.ChecksInState",
      .summary = "The checks in a state, or in any",
      .rest = "state",
      .params = param::kFilter | param::kNear | param::kNodeMeta,
      .answer = type_of<List<catalog::HealthCheck>>}},
    {get,
     "/v1/health/service/",
     read(health_service, ask_health_service),
     kNoNamespace | kDiscovery | kCacheable | kStreaming,
     {.rpc = "Health.ServiceNodes",
      .summary = "The instances of a service with their nodes and checks",
      .rest = "service",
      .params = param::kFilter | param::kNear | param::kNodeMeta | param::kTag | param::kPassing | param::kPeer |
                param::kSamenessGroup | param::kMergeCentralConfig,
      .answer = type_of<List<catalog::CheckServiceNode>>,
      .failures = {&kNoSamenessGroups}}},
    {get,
     "/v1/health/connect/",
     read(health_connect, ask_health_connect),
     kNoNamespace | kDiscovery | kCacheable | kStreaming,
     {.rpc = "Health.ServiceNodes",
      .summary = "Instances in the mesh that lead to a service, with their nodes and checks",
      .rest = "service",
      .params = param::kFilter | param::kNear | param::kNodeMeta | param::kTag | param::kPassing | param::kPeer |
                param::kSamenessGroup | param::kMergeCentralConfig,
      .answer = type_of<List<catalog::CheckServiceNode>>,
      .failures = {&kNoSamenessGroups}}},
    {get,
     "/v1/health/ingress/",
     read(health_ingress, ask_health_ingress),
     kNoNamespace | kDiscovery | kCacheable,
     {.rpc = "Health.ServiceNodes",
      .summary = "Ingress gateways that lead to a service, with their nodes and checks",
      .rest = "service",
      .params = param::kFilter | param::kNear | param::kNodeMeta | param::kTag | param::kPassing | param::kPeer |
                param::kSamenessGroup | param::kMergeCentralConfig,
      .answer = type_of<List<catalog::CheckServiceNode>>,
      .failures = {&kNoSamenessGroups}}},
};

}  // namespace

std::span<const Route> health_routes() {
  return kHealthRoutes;
}

}  // namespace proconsul::agent::http
