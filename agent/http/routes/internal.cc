// What the web UI and other agents ask.
#include "agent/http/routes/families.h"

#include "agent/doctor/report.h"
#include "agent/http/acl_endpoint.h"
#include "agent/http/federation_endpoint.h"
#include "agent/http/federation_status_endpoint.h"
#include "agent/http/federation_invite_endpoint.h"
#include "agent/http/gateway_endpoint.h"
#include "agent/http/metrics_proxy_endpoint.h"
#include "agent/http/route.h"
#include "agent/http/routes/failures.h"
#include "agent/http/topology_endpoint.h"
#include "agent/http/ui_endpoint.h"
#include "agent/http/ui_types.h"
#include "agent/http/virtual_ip_endpoint.h"
#include "agent/invite/messages.h"
#include "agent/rpc/acl_types.h"
#include "agent/rpc/federation_types.h"
#include "agent/rpc/intention_types.h"
#include "catalog/types/service.h"
#include "catalog/types/system.h"

namespace proconsul::agent::http {
namespace {

using base::List;
using base::Map;
using base::Pointer;
using base::type_of;
using enum Method;

constexpr Failure kNoProxy{404, "(UI|Metrics proxy) is not enabled", "Nothing is configured."};
constexpr Failure kBadPath{400, R"(Invalid path\.)", "It leads elsewhere."};
constexpr Failure kForbiddenPath{403, "", "ui_config.metrics_proxy.path_allowlist does not have it."};
constexpr Failure kBadAddresses{500, R"((cannot associate more than|[\s\S]* is not a valid IPv4 address)[\s\S]*)",
                                "Too many, or no addresses: Consul's status."};
constexpr Failure kNoPeer{500, "must provide PeerName", "?peer is missing."};
constexpr Failure kNoTopology{500, R"((not an APIGateway|failed to get sources for discovery chain target)[\s\S]*)",
                              "Nothing is bound to the gateway; the mesh is off, or a chain is wrong."};
constexpr Failure kBusy{500, R"([\s\S]*too many look at the federation now, try again later)", "Others examine it, too."};
constexpr Failure kNotFederated{500, R"([\s\S]+)", "The servers refuse it: the text says why."};
constexpr Failure kNoUpstream{502, "", "The metrics server gives no answer."};

constexpr Route kInternalRoutes[] = {
    {get,
     "/v1/internal/federation-states",
     ask(ask_federation_states),
     kMetaOnError,
     {.rpc = "FederationState.List",
      .summary = "What datacenters know of each other's mesh gateways",
      .answer = type_of<List<Pointer<catalog::FederationState>>>,
      .failures = {&kDenied}}},
    {get,
     "/v1/internal/federation-states/mesh-gateways",
     ask(ask_federation_gateways),
     kMetaOnError,
     {.rpc = "FederationState.ListMeshGateways",
      .summary = "The mesh gateways of all datacenters",
      .answer = type_of<Map<List<catalog::CheckServiceNode>>>}},
    {get,
     "/v1/internal/federation-state/",
     ask(ask_federation_state),
     kMetaOnError | kBareNotFound,
     {.rpc = "FederationState.Get",
      .summary = "What is known of a datacenter's mesh gateways",
      .rest = "datacenter",
      .answer = type_of<rpc::FederationStateResponse>,
      .failures = {&kNothing, &kDenied}}},
    {delete_,
     "/v1/internal/federation/state/",
     async(delete_federation_state),
     kNoNamespace,
     {.rpc = "FederationState.Apply",
      .metric = "federation_state",
      .summary = "Forget what is known of a datacenter's mesh gateways",
      .rest = "datacenter",
      .answer = type_of<bool>,
      .failures = {&kDenied, &kNotFederated}}},
    {get,
     "/v1/internal/federation-invitation",
     async(federation_facts),
     kNoNamespace,
     {.rpc = "Federation.InvitationFacts",
      .summary = "What an invitation of another datacenter has to say, and what stands in its way",
      .answer = type_of<invite::Facts>,
      .failures = {&kDenied, &kNotFederated}}},
    {put,
     "/v1/internal/federation-invitation",
     async(federation_invite),
     kNoNamespace,
     {.rpc = "Federation.Invite",
      .metric = "federation_invitation",
      .summary = "Keep an invitation, by which servers of other datacenters join once",
      .body = type_of<invite::InviteRequest>,
      .answer = type_of<invite::InviteReply>,
      .failures = {&kDenied, &kNotFederated}}},
    {put,
     "/v1/internal/federation-forget",
     async(federation_forget),
     kNoNamespace,
     {.rpc = "Federation.Forget",
      .metric = "federation_forget",
      .summary =
          "Forget a datacenter: its federation state, its servers in the WAN pool, the tokens of its invitations",
      .body = type_of<invite::ForgetRequest>,
      .answer = type_of<invite::ForgetReply>,
      .failures = {&kDenied, &kNotFederated}}},
    {get,
     "/v1/internal/federation/status",
     async(federation_status),
     kQueryOptions | kAnyDatacenter,
     {.rpc = "Federation.Status",
      .summary = "How other datacenters are reached, and how far what is copied from the primary is",
      .answer = type_of<doctor::Status>,
      .failures = {&kDenied, &kBusy}}},
    {get,
     "/v1/internal/federation/doctor",
     async(federation_doctor),
     kQueryOptions | kAnyDatacenter,
     {.rpc = "Federation.Examine",
      .summary = "Tries all ways to other datacenters, and says what is to be fixed first",
      .answer = type_of<doctor::Report>,
      .failures = {&kDenied, &kBusy}}},
    {get,
     "/v1/internal/ui/metrics-proxy/",
     async(ui_metrics_proxy),
     kNoPartition | kOwn | kHeaderToken,
     {.summary = "What the metrics server of ui_config.metrics_proxy answers",
      .rest = "path",
      .gives = Content::octets,
      .failures = {&kNoProxy, &kBadPath, &kForbiddenPath, &kDenied, &kNoUpstream}}},
    {get,
     "/v1/internal/ui/nodes",
     read(ui_nodes, ask_ui_nodes),
     kNoNamespace | kMetaOnError | kStaleAtLast,
     {.rpc = "Internal.NodeDump",
      .summary = "All nodes with their services and checks",
      .params = param::kFilter,
      .answer = type_of<List<Pointer<catalog::NodeInfo>>>}},
    {get,
     "/v1/internal/ui/node/",
     read(ui_node, ask_ui_node),
     kNoNamespace | kMetaOnError | kBareNotFound | kStaleAtLast,
     {.rpc = "Internal.NodeInfo",
      .summary = "A node with its services and checks",
      .rest = "node",
      .params = param::kPeer,
      .answer = type_of<catalog::NodeInfo>,
      .failures = {&kNothing}}},
    {get,
     "/v1/internal/ui/services",
     read(ui_services, ask_ui_services),
     kNoNamespace | kMetaOnError | kStaleAtLast,
     {.rpc = "Internal.ServiceDump",
      .summary = "All services, with how many instances they have and in what state",
      .params = param::kFilter | param::kPeer,
      .answer = type_of<List<ServiceListingSummary>>}},
    {get,
     "/v1/internal/ui/exported-services",
     ask(ask_ui_exported_services),
     kNoNamespace | kMetaOnError | kStaleAtLast,
     {.rpc = "Internal.ExportedServicesForPeer",
      .summary = "The services that a peer may use",
      .params = param::kPeer,
      .answer = type_of<List<ServiceListingSummary>>,
      .failures = {&kNoPeer}}},
    {get,
     "/v1/internal/ui/catalog-overview",
     call(ui_catalog_overview, ask_ui_catalog_overview),
     kQueryOptions,
     {.rpc = "Internal.CatalogOverview",
      .summary = "How many nodes, services and checks are in what state",
      .answer = type_of<Map<base::Value>>,
      .failures = {&kDenied}}},
    {get,
     "/v1/internal/ui/gateway-services-nodes/",
     ask(ask_ui_gateway_services_nodes),
     kNoNamespace | kMetaOnError | kStaleAtLast,
     {.rpc = "Internal.GatewayServiceDump",
      .summary = "The services that a gateway serves, with how many instances they have and in what state",
      .rest = "gateway",
      .answer = type_of<List<ServiceSummary>>,
      .failures = {&kDenied}}},
    {get,
     "/v1/internal/ui/gateway-intentions/",
     ask(ask_ui_gateway_intentions),
     kNoNamespace | kMetaOnError,
     {.rpc = "Internal.GatewayIntentions",
      .summary = "The intentions of the services that a gateway serves",
      .rest = "gateway",
      .answer = type_of<catalog::Intentions>,
      .failures = {&kDenied}}},
    {get,
     "/v1/internal/ui/service-topology/",
     ask(ask_ui_service_topology),
     kNoNamespace | kMetaOnError | kStaleAtLast,
     {.rpc = "Internal.ServiceTopology",
      .summary = "Whom a service calls and who calls it, with what intentions say of that",
      .rest = "service",
      .params = param::kKind,
      .answer = type_of<ServiceTopology>,
      .failures = {&kDenied, &kNoTopology}}},
    {post,
     "/v1/internal/acl/authorize",
     async(acl_authorize),
     kNeedsAcls | kOwn,
     {.rpc = "ACL.Authorize",
      .summary = "What the token of the request may do",
      .body = type_of<base::List<rpc::ACLAuthorizationRequest>>,
      .answer = type_of<base::List<rpc::ACLAuthorizationResponse>>,
      .failures = {&kNoAcls, &kDenied, &kRefusedAcl}}},
    {put,
     "/v1/internal/service-virtual-ip",
     async(assign_manual_ips),
     kNoNamespace,
     {.rpc = "Internal.AssignManualServiceVIPs",
      .metric = "service_virtual_ips",
      .summary = "Give a service addresses of one's own choice, and take them from others",
      .body = type_of<rpc::AssignServiceManualVIPsRequest>,
      .answer = type_of<catalog::AssignServiceManualVIPsResponse>,
      .failures = {&kDenied, &kBadAddresses}}},
};

}  // namespace

std::span<const Route> internal_routes() {
  return kInternalRoutes;
}

}  // namespace proconsul::agent::http
