#include "agent/event/user_event.h"
#include "agent/rpc/asking.h"
#include "agent/rpc/federation.h"
#include "agent/rpc/methods/families.h"
#include "agent/server/changes.h"
#include "agent/tokens/readable.h"
#include "catalog/query/gateways.h"
#include "catalog/query/nodes.h"
#include "catalog/query/overview.h"

namespace proconsul::agent::rpc {
namespace {

using base::Result;

Result<> keep(base::List<base::Pointer<catalog::NodeInfo>>& dump, const std::string& expression) {
  Result<base::filter::Filter> filter = base::filter::Filter::create<catalog::NodeInfo>(expression);
  if (!filter) return filter.error();
  if (filter->matches_everything()) return {};
  std::erase_if(dump, [&](const auto& node) { return !filter->matches(*node); });
  return {};
}

Result<Found> node_info(Services& services, const catalog::View& view, base::KeySet* watch,
                        const NodeSpecificRequest& request, IndexedNodeDump& reply) {
  if (request.Node.empty()) return base::Error{base::Errc::internal, "Must provide node"};
  const Result<tokens::Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  catalog::NodeDumpAnswer found = catalog::dump_nodes(view.tables(), request.Node, request.PeerName, watch);
  reply.ResultsFilteredByACLs = tokens::says_filtered(*who, tokens::keep_readable(*who, found.dump));
  reply.Index = found.index;
  reply.Dump = std::move(found.dump);
  return Found::yes;
}

Result<Found> node_dump(Services& services, const catalog::View& view, base::KeySet* watch,
                        const DCSpecificRequest& request, IndexedNodeDump& reply) {
  if (!request.PeerName.empty()) {
    return base::Error{base::Errc::internal,
                       "this endpoint does not support specifying a peer: \"" + request.PeerName + '"'};
  }
  const Result<tokens::Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  catalog::NodeDumpAnswer found = catalog::dump_nodes(view.tables(), {}, {}, watch);
  reply.ResultsFilteredByACLs = tokens::says_filtered(*who, tokens::keep_readable(*who, found.dump));
  if (Result<> kept = keep(found.dump, request.Filter); !kept) return kept.error();
  reply.Index = found.index;
  reply.Dump = std::move(found.dump);
  return Found::yes;
}

Result<Found> catalog_overview(Services& services, const catalog::View& view, base::KeySet*,
                               const DCSpecificRequest& request, catalog::CatalogSummary& reply) {
  const Result<tokens::Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  if (!(*who)->allows(acl::Resource::operator_, acl::Access::read)) {
    // Whoever asks: Consul names no token here.
    return tokens::denied({}, acl::Resource::operator_, std::nullopt, acl::Access::read);
  }
  reply = catalog::catalog_overview(view.tables());
  return Found::yes;
}

/// Instances of one peer, or of this cluster; those that peers share are theirs to list once there are peerings.
Result<Found> service_dump(Services& services, const catalog::View& view, base::KeySet* watch,
                           const ServiceDumpRequest& request, IndexedNodesWithGateways& reply) {
  Result<base::filter::Filter> filter = base::filter::Filter::create<catalog::CheckServiceNode>(request.Filter);
  if (!filter) return filter.error();
  const Result<tokens::Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  const catalog::Tables& tables = view.tables();
  catalog::InstancesAnswer found =
      request.UseServiceKind ? catalog::instances_of_kind(tables, request.ServiceKind, request.PeerName, watch)
                             : catalog::all_instances(tables, request.PeerName, watch);
  reply.Index = found.index;
  bool filtered = tokens::keep_readable(*who, found.rows);
  if (request.PeerName.empty() && !request.NodesOnly) {
    catalog::GatewayServicesAnswer gateways = catalog::all_gateway_services(tables, watch);
    reply.Index = std::max(reply.Index, gateways.index);
    filtered |= tokens::keep_readable(*who, gateways.rows);
    for (const catalog::GatewayService* row : gateways.rows) reply.Gateways.emplace_back(*row);
  }
  reply.ResultsFilteredByACLs = tokens::says_filtered(*who, filtered);
  base::List<catalog::CheckServiceNode>& nodes = request.PeerName.empty() ? reply.Nodes : reply.ImportedNodes;
  nodes.make_present();
  for (const catalog::InstanceRow* row : found.rows) {
    catalog::CheckServiceNode instance = catalog::check_service_node(tables, *row);
    if (filter->matches(instance)) nodes.push_back(std::move(instance));
  }
  return Found::yes;
}

void event_fire(Services& services, EventFireRequest& request, server::Answered<EventFireResponse> done) {
  const Result<tokens::Who> who = asking(services, request.Token);
  if (!who) return done(who.error());
  if (Result<> allowed = tokens::require(*who, acl::Resource::event, request.Name, acl::Access::write); !allowed) {
    return done(allowed.error());
  }
  if (services.federation == nullptr) {
    return done(base::Error{base::Errc::unavailable, "this server is in no pool"});
  }
  services.federation->user_event(
      std::string(event::kEventPrefix) + request.Name, std::move(request.Payload),
      [done = std::move(done)](Result<> sent) mutable { sent ? done(EventFireResponse{}) : done(sent.error()); });
}

}  // namespace

std::span<const Method> internal_methods() {
  static constexpr Method kRows[] = {
      method<&node_info>("Internal.NodeInfo", kReads),
      method<&node_dump>("Internal.NodeDump", kReads),
      method<&catalog_overview>("Internal.CatalogOverview", kReads),
      method<&service_dump>("Internal.ServiceDump", kReads),
      method<&event_fire>("Internal.EventFire", kReads | kCountsAsWrite),
  };
  return kRows;
}

}  // namespace proconsul::agent::rpc
