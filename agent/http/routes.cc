// Every endpoint of the HTTP API, one row each: what is not here answers 404. Families are in alphabetical order behind
// the ones that this agent serves; a family's handlers are declared in its own header.
#include "agent/http/agent_check_endpoint.h"
#include "agent/http/agent_self_endpoint.h"
#include "agent/http/agent_service_endpoint.h"
#include "agent/http/catalog_endpoint.h"
#include "agent/http/coordinate_endpoint.h"
#include "agent/http/event_endpoint.h"
#include "agent/http/health_endpoint.h"
#include "agent/http/kv_endpoint.h"
#include "agent/http/operator_endpoint.h"
#include "agent/http/query_endpoint.h"
#include "agent/http/route.h"
#include "agent/http/session_endpoint.h"
#include "agent/http/snapshot_endpoint.h"
#include "agent/http/status_endpoint.h"
#include "agent/http/stream_endpoint.h"
#include "agent/http/telemetry_endpoint.h"
#include "agent/http/txn_endpoint.h"
#include "agent/http/ui_endpoint.h"

namespace proconsul::agent::http {
namespace {

using enum Method;

constexpr Route kStatusRoutes[] = {
    {get, "/v1/status/leader", call(status_leader), kQueryOptions | kLocalOnly},
    {get, "/v1/status/peers", call(status_peers), kQueryOptions | kLocalOnly},
};

constexpr Route kAgentRoutes[] = {
    {put, "/v1/agent/token/", later()},
    {get, "/v1/agent/self", call(agent_self)},
    {get, "/v1/agent/host", call(agent_host)},
    {get, "/v1/agent/version", call(agent_version)},
    {put, "/v1/agent/maintenance", async(agent_node_maintenance)},
    {put, "/v1/agent/reload", async(agent_reload)},
    {get, "/v1/agent/monitor", call(agent_monitor), kEndless},
    {get, "/v1/agent/metrics", call(agent_metrics)},
    {get, "/v1/agent/metrics/stream", call(agent_metrics_stream), kEndless},
    {get, "/v1/agent/services", call(agent_services), kNoNamespace},
    {get, "/v1/agent/service/", hashed(agent_service), kNoNamespace},
    {get, "/v1/agent/checks", call(agent_checks), kNoNamespace},
    {get, "/v1/agent/members", call(agent_members), kNoPartition},
    {put, "/v1/agent/join/", later(), kNoPartition},
    {put, "/v1/agent/leave", async(agent_leave)},
    {put, "/v1/agent/force-leave/", later(), kNoPartition},
    {get, "/v1/agent/health/service/id/", call(agent_health_by_id), kNoNamespace},
    {get, "/v1/agent/health/service/name/", call(agent_health_by_name), kNoNamespace},
    {put, "/v1/agent/check/register", async(agent_check_register), kNoNamespace},
    {put, "/v1/agent/check/deregister/", async(agent_check_deregister), kNoNamespace},
    {put, "/v1/agent/check/pass/", async(agent_check_pass), kNoNamespace},
    {put, "/v1/agent/check/warn/", async(agent_check_warn), kNoNamespace},
    {put, "/v1/agent/check/fail/", async(agent_check_fail), kNoNamespace},
    {put, "/v1/agent/check/update/", async(agent_check_update), kNoNamespace},
    {post, "/v1/agent/connect/authorize", later(), kNoNamespace},
    {get, "/v1/agent/connect/ca/roots", later()},
    {get, "/v1/agent/connect/ca/leaf/", later(), kNoNamespace},
    {put, "/v1/agent/service/register", async(agent_service_register), kNoNamespace},
    {put, "/v1/agent/service/deregister/", async(agent_service_deregister), kNoNamespace},
    {put, "/v1/agent/service/maintenance/", async(agent_service_maintenance), kNoNamespace},
};

constexpr Route kCatalogRoutes[] = {
    {put, "/v1/catalog/register", async(catalog_register), kNoNamespace, "catalog_register"},
    {get, "/v1/catalog/connect/", read(catalog_connect), kNoNamespace | kDiscovery | kCacheable | kMetaOnError,
     "catalog_service_nodes"},
    {put, "/v1/catalog/deregister", async(catalog_deregister), kNoNamespace, "catalog_deregister"},
    {get, "/v1/catalog/datacenters", call(catalog_datacenters), kGoesOn | kDiscovery | kCacheable,
     "catalog_datacenters"},
    {get, "/v1/catalog/nodes", read(catalog_nodes), kNoPartition | kDiscovery | kMetaOnError, "catalog_nodes"},
    {get, "/v1/catalog/services", read(catalog_services), kNoNamespace | kDiscovery | kCacheable | kMetaOnError,
     "catalog_services"},
    {get, "/v1/catalog/service/", read(catalog_service), kNoNamespace | kDiscovery | kCacheable | kMetaOnError,
     "catalog_service_nodes"},
    {get, "/v1/catalog/node/", read(catalog_node), kNoNamespace | kDiscovery | kMetaOnError, "catalog_node_services"},
    {get, "/v1/catalog/node-services/", read(catalog_node_services), kNoNamespace | kDiscovery | kMetaOnError,
     "catalog_node_service_list"},
    {get, "/v1/catalog/gateway-services/", later(), kNoNamespace | kDiscovery, "catalog_gateway_services"},
};

constexpr Route kCoordinateRoutes[] = {
    {get, "/v1/coordinate/datacenters", call(coordinate_datacenters)},
    {get, "/v1/coordinate/nodes", read(coordinate_nodes), kNoPartition | kMetaOnError},
    {get, "/v1/coordinate/node/", read(coordinate_node), kNoPartition | kMetaOnError | kBareNotFound},
    {put, "/v1/coordinate/update", async(coordinate_update), kNoNamespace},
};

constexpr Route kHealthRoutes[] = {
    {get, "/v1/health/node/", read(health_node), kNoNamespace | kDiscovery | kMetaOnError},
    {get, "/v1/health/checks/", read(health_checks), kNoNamespace | kDiscovery | kMetaOnError},
    {get, "/v1/health/state/", read(health_state), kNoNamespace | kDiscovery | kMetaOnError},
    {get, "/v1/health/service/", read(health_service), kNoNamespace | kDiscovery | kCacheable | kStreaming},
    {get, "/v1/health/connect/", read(health_connect), kNoNamespace | kDiscovery | kCacheable | kStreaming},
    {get, "/v1/health/ingress/", read(health_ingress), kNoNamespace | kDiscovery | kCacheable},
};

constexpr Route kKvRoutes[] = {
    {get, "/v1/kv/", read(kv_get), kNoNamespace},
    {put, "/v1/kv/", async(kv_put), kNoNamespace | kKvLimit | kOctets | kQueryOptions},
    {delete_, "/v1/kv/", async(kv_delete), kNoNamespace | kQueryOptions},
};

constexpr Route kOperatorRoutes[] = {
    {get, "/v1/operator/raft/configuration", call(raft_configuration), kQueryOptions},
    {post, "/v1/operator/raft/transfer-leader", async(raft_transfer_leader), kNoPartition},
    {delete_, "/v1/operator/raft/peer", async(raft_remove_peer), kQueryOptions},
    {get, "/v1/operator/keyring", later()},
    {post, "/v1/operator/keyring", later()},
    {put, "/v1/operator/keyring", later()},
    {delete_, "/v1/operator/keyring", later()},
    {get, "/v1/operator/usage", read(operator_usage), kNoNamespace | kShowConsistency | kAnyDatacenter | kMetaOnError,
     "operator_usage"},
    {get, "/v1/operator/autopilot/configuration", call(autopilot_get), kQueryOptions},
    {put, "/v1/operator/autopilot/configuration", async(autopilot_put), kQueryOptions},
    {get, "/v1/operator/autopilot/health", call(autopilot_health), kQueryOptions},
    {get, "/v1/operator/autopilot/state", call(autopilot_state), kQueryOptions},
};

constexpr Route kSessionRoutes[] = {
    {put, "/v1/session/create", async(session_create), kNoNamespace},
    {put, "/v1/session/destroy/", async(session_destroy), kNoNamespace},
    {put, "/v1/session/renew/", call(session_renew), kNoNamespace | kQueryOptions},
    {get, "/v1/session/info/", read(session_info), kNoNamespace | kMetaOnError},
    {get, "/v1/session/node/", read(session_node), kNoNamespace | kMetaOnError},
    {get, "/v1/session/list", read(session_list), kNoNamespace | kMetaOnError},
};

constexpr Route kSnapshotRoutes[] = {
    {get, "/v1/snapshot", async(snapshot_save), kQueryOptions},
    {put, "/v1/snapshot", upload(snapshot_restore), kOctets | kQueryOptions},
    {get, "/v1/stream", call(change_stream)},  // ours
};

constexpr Route kTxnRoutes[] = {
    {put, "/v1/txn", async(txn_put), kTxnLimit | kQueryOptions},
};

constexpr Route kAclRoutes[] = {
    {put, "/v1/acl/bootstrap", later()},
    {post, "/v1/acl/login", later(), kNoNamespace},
    {post, "/v1/acl/logout", later()},
    {get, "/v1/acl/replication", later()},
    {get, "/v1/acl/policies", later(), kNoNamespace},
    {put, "/v1/acl/policy", later(), kNoNamespace},
    {get, "/v1/acl/policy/", later(), kNoNamespace},
    {put, "/v1/acl/policy/", later(), kNoNamespace},
    {delete_, "/v1/acl/policy/", later(), kNoNamespace},
    {get, "/v1/acl/policy/name/", later(), kNoNamespace},
    {get, "/v1/acl/roles", later(), kNoNamespace},
    {put, "/v1/acl/role", later(), kNoNamespace},
    {get, "/v1/acl/role/name/", later(), kNoNamespace},
    {get, "/v1/acl/role/", later(), kNoNamespace},
    {put, "/v1/acl/role/", later(), kNoNamespace},
    {delete_, "/v1/acl/role/", later(), kNoNamespace},
    {get, "/v1/acl/binding-rules", later(), kNoNamespace},
    {put, "/v1/acl/binding-rule", later(), kNoNamespace},
    {get, "/v1/acl/binding-rule/", later(), kNoNamespace},
    {put, "/v1/acl/binding-rule/", later(), kNoNamespace},
    {delete_, "/v1/acl/binding-rule/", later(), kNoNamespace},
    {get, "/v1/acl/auth-methods", later(), kNoNamespace},
    {put, "/v1/acl/auth-method", later(), kNoNamespace},
    {get, "/v1/acl/auth-method/", later(), kNoNamespace},
    {put, "/v1/acl/auth-method/", later(), kNoNamespace},
    {delete_, "/v1/acl/auth-method/", later(), kNoNamespace},
    {get, "/v1/acl/tokens", later(), kNoNamespace},
    {put, "/v1/acl/token", later(), kNoNamespace},
    {get, "/v1/acl/token/self", later()},
    {get, "/v1/acl/token/", later(), kNoNamespace},
    {put, "/v1/acl/token/", later(), kNoNamespace},
    {delete_, "/v1/acl/token/", later(), kNoNamespace},
    {get, "/v1/acl/templated-policies", later(), kNoNamespace},
    {get, "/v1/acl/templated-policy/name/", later(), kNoNamespace},
    {post, "/v1/acl/templated-policy/preview/", later(), kNoNamespace},
};

constexpr Route kConfigRoutes[] = {
    {get, "/v1/config/", later(), kNoNamespace},
    {delete_, "/v1/config/", later(), kNoNamespace},
    {put, "/v1/config", later(), kNoNamespace},
};

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

constexpr Route kInternalRoutes[] = {
    {get, "/v1/internal/federation-states", later()},
    {get, "/v1/internal/federation-states/mesh-gateways", later()},
    {get, "/v1/internal/federation-state/", later()},
    {get, "/v1/internal/ui/metrics-proxy/", later(), kNoPartition},
    {get, "/v1/internal/ui/nodes", read(ui_nodes), kNoNamespace | kMetaOnError | kStaleAtLast},
    {get, "/v1/internal/ui/node/", read(ui_node), kNoNamespace | kMetaOnError | kBareNotFound | kStaleAtLast},
    {get, "/v1/internal/ui/services", read(ui_services), kNoNamespace | kMetaOnError | kStaleAtLast},
    {get, "/v1/internal/ui/exported-services", later(), kNoNamespace},
    {get, "/v1/internal/ui/catalog-overview", call(ui_catalog_overview), kQueryOptions},
    {get, "/v1/internal/ui/gateway-services-nodes/", later(), kNoNamespace},
    {get, "/v1/internal/ui/gateway-intentions/", later(), kNoNamespace},
    {get, "/v1/internal/ui/service-topology/", later(), kNoNamespace},
    {post, "/v1/internal/acl/authorize", later()},
    {put, "/v1/internal/service-virtual-ip", later(), kNoNamespace},
};

constexpr Route kDiscoveryChainRoutes[] = {
    {get, "/v1/discovery-chain/", later(), kNoNamespace},
    {post, "/v1/discovery-chain/", later(), kNoNamespace},
};

constexpr Route kExportedServicesRoutes[] = {
    {get, "/v1/exported-services", later(), kNoPartition},
};

constexpr Route kEventRoutes[] = {
    {put, "/v1/event/fire/", call(event_fire), kOctets},
    {get, "/v1/event/list", hashed(event_list), kOpaqueIndex | kAnyDatacenter},
};

constexpr Route kPeeringRoutes[] = {
    {post, "/v1/peering/token", later(), kNoPartition}, {post, "/v1/peering/establish", later(), kNoPartition},
    {get, "/v1/peering/", later(), kNoPartition},       {delete_, "/v1/peering/", later(), kNoPartition},
    {get, "/v1/peerings", later(), kNoPartition},
};

constexpr Route kQueryRoutes[] = {
    {get, "/v1/query", read(query_list), kShowConsistency | kMetaOnError},
    {post, "/v1/query", async(query_create)},
    {get, "/v1/query/", read(query_get), kOddMethods | kShowConsistency | kMetaOnError},
    {put, "/v1/query/", async(query_update), kOddMethods},
    {delete_, "/v1/query/", async(query_delete), kOddMethods},
    {get,
     "/v1/query/",
     read(query_execute),
     kOddMethods | kShowConsistency | kCacheable | kMetaOnError,
     {},
     "/execute"},
    {get, "/v1/query/", read(query_explain), kOddMethods | kShowConsistency | kMetaOnError, {}, "/explain"},
};

constexpr Route kProfileRoutes[] = {
    {get, "/debug/pprof/", call(go_profile), kBare},
    {post, "/debug/pprof/", call(go_profile), kBare},
    {put, "/debug/pprof/", call(go_profile), kBare},
    {delete_, "/debug/pprof/", call(go_profile), kBare},
};

constexpr std::span<const Route> kFamilies[] = {
    kStatusRoutes,
    kAgentRoutes,
    kCatalogRoutes,
    kCoordinateRoutes,
    kHealthRoutes,
    kKvRoutes,
    kOperatorRoutes,
    kSessionRoutes,
    kSnapshotRoutes,
    kTxnRoutes,
    kAclRoutes,
    kConfigRoutes,
    kConnectRoutes,
    kInternalRoutes,
    kDiscoveryChainRoutes,
    kExportedServicesRoutes,
    kEventRoutes,
    kPeeringRoutes,
    kQueryRoutes,
    kProfileRoutes,
};

}  // namespace

std::span<const std::span<const Route>> all_routes() {
  return kFamilies;
}

}  // namespace proconsul::agent::http
