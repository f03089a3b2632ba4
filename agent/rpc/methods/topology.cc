// Whom services of the mesh call, and what holds for what stands behind a gateway: what user interfaces draw.
#include <algorithm>
#include <set>
#include <utility>

#include "agent/rpc/intention_queries.h"
#include "agent/rpc/methods/families.h"
#include "agent/rpc/methods/service_access.h"
#include "agent/rpc/topology_types.h"
#include "agent/tokens/readable.h"
#include "catalog/config_entry/intentions.h"
#include "catalog/query/gateways.h"
#include "catalog/query/intentions.h"
#include "catalog/query/topology.h"

namespace proconsul::agent::rpc {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using tokens::Who;

/// The instances of one side that may be seen; `filtered` if that is not all.
base::List<catalog::CheckServiceNode> visible(const Who& who, const catalog::Tables& tables,
                                              std::vector<const catalog::InstanceRow*> rows, bool& filtered) {
  base::List<catalog::CheckServiceNode> instances;
  if (!rows.empty()) instances.make_present();
  filtered |= tokens::keep_readable(who, rows);
  for (const catalog::InstanceRow* row : rows) instances.push_back(catalog::check_service_node(tables, *row));
  return instances;
}

Result<Found> service_topology(Services& services, const catalog::View& view, base::KeySet* watch,
                               const ServiceSpecificRequest& request, IndexedServiceTopology& reply) {
  if (request.ServiceName.empty()) return Error{Errc::internal, "Must provide a service name"};
  const Result<Who> who = may_read_service(services, view, request.Token, request.ServiceName);
  if (!who) return who.error();
  const catalog::TopologyQuery query{
      .service = request.ServiceName,
      .kind = request.ServiceKind,
      .datacenter = request.Datacenter.empty() ? services.datacenter : request.Datacenter,
      .default_allow = allows_without_intention(*who, services.default_intention_policy)};
  Result<catalog::ServiceTopology> found = catalog::service_topology(view.tables(), query, watch);
  if (!found) return found.error();
  reply.Index = found->index;
  ServiceTopology& topology = reply.ServiceTopology.emplace();
  topology.MetricsProtocol = std::move(found->protocol);
  topology.TransparentProxy = found->transparent;
  const auto& tables = view.tables();
  topology.Upstreams = visible(*who, tables, std::move(found->upstreams.rows), reply.FilteredByACLs);
  topology.Downstreams = visible(*who, tables, std::move(found->downstreams.rows), reply.FilteredByACLs);
  reply.ResultsFilteredByACLs = tokens::says_filtered(*who, reply.FilteredByACLs);
  topology.UpstreamDecisions = std::move(found->upstreams.decisions);
  topology.UpstreamSources = std::move(found->upstreams.sources);
  topology.DownstreamDecisions = std::move(found->downstreams.decisions);
  topology.DownstreamSources = std::move(found->downstreams.sources);
  return Found::yes;
}

/// Of all services of a gateway, the intentions that hold for who calls them.
Result<Found> gateway_intentions(Services& services, const catalog::View& view, base::KeySet* watch,
                                 const IntentionQueryRequest& request, IndexedIntentions& reply) {
  const std::size_t count = request.Match ? request.Match->Entries.size() : 0;
  if (count != 1) return Error{Errc::internal, "Expected 1 gateway name, got " + std::to_string(count)};
  const IntentionMatchEntry& gateway = request.Match->Entries.front();
  const Result<Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  Result<> may = catalog::check_intention_namespace(gateway.Namespace, "Invalid match entry namespace");
  if (may) may = tokens::require(*who, acl::Resource::service, gateway.Name, acl::Access::read);
  if (!may) return may.error();
  const catalog::Tables& tables = view.tables();
  const catalog::GatewayServicesAnswer served = catalog::services_of_gateway(tables, gateway.Name, watch);
  reply.Index = served.index;
  // By ID, as ever since intentions had one: of those of config entries, which have none, the first alone is told.
  std::set<std::string> seen;
  for (const catalog::GatewayService* row : served.rows) {
    catalog::IntentionsAnswer found = catalog::match_intentions(
        tables, catalog::IntentionSide::destination, row->Service.Name, catalog::IntentionTarget::service, watch);
    reply.Index = std::max(reply.Index, found.index);
    for (auto& intention : found.intentions) {
      if (seen.insert(intention->ID).second) reply.Intentions.push_back(std::move(intention));
    }
  }
  reply.ResultsFilteredByACLs = tokens::says_filtered(*who, tokens::keep_readable(*who, reply.Intentions));
  reply.Intentions.make_present();
  return Found::yes;
}

}  // namespace

std::span<const Method> topology_methods() {
  static constexpr Method kRows[] = {
      method<&service_topology>("Internal.ServiceTopology", kReads),
      method<&gateway_intentions>("Internal.GatewayIntentions", kReads),
  };
  return kRows;
}

}  // namespace proconsul::agent::rpc
