#include "agent/http/metrics.h"
#include "agent/rpc/asking.h"
#include "agent/rpc/federation.h"
#include "agent/rpc/methods/families.h"
#include "agent/server/changes.h"
#include "agent/tokens/readable.h"
#include "catalog/config_entry/resolve.h"
#include "catalog/query/merged.h"
#include "catalog/query/nodes.h"
#include "catalog/registry/mesh.h"

namespace proconsul::agent::rpc {
namespace {

using base::Errc;
using base::Error;
using base::Result;

auto answered(server::Answered<Nothing> done) {
  return [done = std::move(done)](Result<> result) mutable {
    done(result ? Result<Nothing>(Nothing{}) : Result<Nothing>(result.error()));
  };
}

void register_(Services& services, catalog::RegisterRequest& request, server::Answered<Nothing> done) {
  const Result<tokens::Who> who = asking(services, request.Token);
  if (!who) return done(who.error());
  server::register_in_catalog(services.server, *who, std::move(request), answered(std::move(done)));
}

void deregister(Services& services, catalog::DeregisterRequest& request, server::Answered<Nothing> done) {
  const Result<tokens::Who> who = asking(services, request.Token);
  if (!who) return done(who.error());
  server::deregister_from_catalog(services.server, *who, request, answered(std::move(done)));
}

Result<> list_datacenters(Services& services, const DatacentersRequest&, base::List<std::string>& reply) {
  if (services.federation != nullptr) {
    for (std::string& name : services.federation->datacenters()) reply.push_back(std::move(name));
  }
  if (reply.empty()) reply.push_back(services.datacenter);
  return {};
}

Result<Found> list_nodes(Services& services, const catalog::View& view, base::KeySet* watch,
                         const DCSpecificRequest& request, IndexedNodes& reply) {
  const Result<tokens::Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  catalog::NodesAnswer found =
      catalog::list_nodes(view.tables(), meta_filter(request.NodeMetaFilters), request.PeerName, watch);
  reply.Index = found.index;
  reply.ResultsFilteredByACLs = tokens::says_filtered(*who, tokens::keep_readable(*who, found.rows));
  Result<> kept = keep_matching<catalog::Node>(found.rows, request.Filter, [](const auto& row) { return row.get(); });
  if (!kept) return kept.error();
  sort_near(view.tables(), request.Source, found.rows, [](const auto& row) { return row.get().Node; });
  reply.Nodes.make_present();
  for (const catalog::NodeRow* row : found.rows) reply.Nodes.emplace_back(row->get());
  return Found::yes;
}

Result<Found> list_services(Services& services, const catalog::View& view, base::KeySet* watch,
                            const DCSpecificRequest& request, IndexedServices& reply) {
  const Result<tokens::Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  const catalog::MetaFilter meta = meta_filter(request.NodeMetaFilters);
  if (request.Filter.empty() && (*who)->allows_everything()) {
    catalog::ServiceTagsAnswer found = catalog::list_services(view.tables(), meta, request.PeerName, watch);
    reply.Index = found.index;
    reply.Services = std::move(found.services);
  } else {
    catalog::InstancesAnswer found = catalog::listed_instances(view.tables(), meta, request.PeerName, watch);
    reply.ResultsFilteredByACLs = tokens::says_filtered(*who, tokens::keep_readable(*who, found.rows));
    Result<> kept = keep_matching<catalog::ServiceNode>(
        found.rows, request.Filter, [&](const auto& row) { return catalog::service_node(view.tables(), row); });
    if (!kept) return kept.error();
    std::vector<catalog::ServiceNode> rows;
    for (const catalog::InstanceRow* row : found.rows) rows.push_back(catalog::service_node(view.tables(), *row));
    reply.Index = found.index;
    reply.Services = catalog::tags_by_name(rows);
  }
  reply.Services.make_present();
  return Found::yes;
}

Result<Found> service_list(Services& services, const catalog::View& view, base::KeySet* watch,
                           const DCSpecificRequest& request, IndexedServiceList& reply) {
  if (!request.PeerName.empty()) {
    return Error{Errc::internal, "listing service names imported from a peer is not supported"};
  }
  const Result<tokens::Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  catalog::ServiceTagsAnswer found = catalog::list_services(view.tables(), {}, {}, watch);
  reply.Index = found.index;
  reply.ResultsFilteredByACLs = tokens::says_filtered(*who, tokens::keep_readable(*who, found.services));
  reply.Services.make_present();
  for (const auto& [name, tags] : found.services) reply.Services.push_back({name});
  return Found::yes;
}

Result<Found> service_nodes(Services& services, const catalog::View& view, base::KeySet* watch,
                            const ServiceSpecificRequest& request, IndexedServiceNodes& reply) {
  if (request.ServiceName.empty() && request.ServiceAddress.empty()) {
    return Error{Errc::internal, "Must provide service name"};
  }
  const Result<tokens::Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  if (request.Connect && !(*who)->allows(acl::Resource::service, request.ServiceName, acl::Access::read)) {
    reply.ServiceNodes.make_present();
    return Found::yes;
  }
  const catalog::Tables& tables = view.tables();
  std::vector<std::string> tags = request.ServiceTags;
  if (tags.empty() && request.TagFilter) tags = {request.ServiceTag};
  catalog::InstancesAnswer found;
  if (!request.ServiceAddress.empty()) {
    found = catalog::all_instances(tables, request.PeerName, watch);
    std::erase_if(found.rows, [&](const catalog::InstanceRow* row) {
      const catalog::ServiceNode shown = catalog::service_node(tables, *row);
      return (shown.ServiceAddress.empty() ? shown.Address : shown.ServiceAddress) != request.ServiceAddress;
    });
  } else {
    found = catalog::catalog_instances(tables,
                                       {.service = request.ServiceName,
                                        .peer = request.PeerName,
                                        .connect = request.Connect,
                                        .tags = request.TagFilter ? &tags : nullptr},
                                       watch);
  }
  reply.ResultsFilteredByACLs = tokens::says_filtered(*who, tokens::keep_readable(*who, found.rows));
  if (const catalog::MetaFilter meta = meta_filter(request.NodeMetaFilters); !meta.empty()) {
    std::erase_if(found.rows, [&](const auto* row) { return !catalog::node_has_meta(tables, *row, meta); });
  }
  catalog::MergedServiceNodes merged;
  if (request.MergeCentralConfig) {
    Result<catalog::MergedServiceNodes> all = catalog::merge_service_nodes(tables, found.rows, found.index, watch);
    if (!all) return Error{Errc::internal, all.error().detail};
    merged = std::move(*all);
  }
  const auto shown = [&](const catalog::InstanceRow& row) {
    return request.MergeCentralConfig ? merged.at(&row) : catalog::service_node(tables, row);
  };
  Result<> kept = keep_matching<catalog::ServiceNode>(found.rows, request.Filter, shown);
  if (!kept) return kept.error();
  sort_near(tables, request.Source, found.rows, [](const auto& row) { return row.service().get().Node; });
  if (!request.ServiceName.empty()) {
    http::count_service_query(
        request.Connect ? http::ServiceQuery::catalog_connect : http::ServiceQuery::catalog_service,
        request.ServiceName, tags, !found.rows.empty());
  }
  reply.Index = found.index;
  reply.ServiceNodes.make_present();
  for (const catalog::InstanceRow* row : found.rows) reply.ServiceNodes.emplace_back(shown(*row));
  return Found::yes;
}

/// The services of the node that a filter leaves, in the order of their ids; whether ACLs hide any.
Result<bool> services_of_node(Services& services, const catalog::View& view, base::KeySet* watch,
                              const NodeSpecificRequest& request, catalog::NodeServicesAnswer& found,
                              catalog::QueryMeta& meta) {
  if (request.Node.empty()) return Error{Errc::internal, "Must provide node"};
  const Result<tokens::Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  found = catalog::services_of_node(view.tables(), request.Node, request.PeerName, watch);
  const bool filtered = tokens::keep_readable(*who, found);
  meta.ResultsFilteredByACLs = tokens::says_filtered(*who, filtered);
  Result<> kept =
      keep_matching<catalog::NodeService>(found.services, request.Filter, [](const auto& row) { return row.get(); });
  if (!kept) return kept.error();
  return filtered;
}

Result<Found> node_services(Services& services, const catalog::View& view, base::KeySet* watch,
                            const NodeSpecificRequest& request, IndexedNodeServices& reply) {
  catalog::NodeServicesAnswer found;
  const Result<bool> filtered = services_of_node(services, view, watch, request, found, reply);
  if (!filtered) return filtered.error();
  reply.Index = found.index;
  if (found.node == nullptr) return Found::yes;
  catalog::NodeServices& shown = reply.NodeServices.emplace();
  shown.Node.emplace() = found.node->get();
  shown.Services.make_present();
  for (const catalog::ServiceRow* row : found.services) shown.Services.emplace(row->get().ID, row->get());
  return Found::yes;
}

Result<Found> node_service_list(Services& services, const catalog::View& view, base::KeySet* watch,
                                const NodeSpecificRequest& request, IndexedNodeServiceList& reply) {
  catalog::NodeServicesAnswer found;
  const Result<bool> filtered = services_of_node(services, view, watch, request, found, reply);
  if (!filtered) return filtered.error();
  reply.Index = found.index;
  if (found.node == nullptr) return Found::yes;
  if (*filtered || !request.Filter.empty()) reply.NodeServices.Services.make_present();
  reply.NodeServices.Node.emplace() = found.node->get();
  for (const catalog::ServiceRow* row : found.services) {
    catalog::NodeService service = row->get();
    if (request.MergeCentralConfig) {
      Result<> merged = catalog::add_central_config(view.tables(), service, reply.Index, watch);
      if (!merged) return Error{Errc::internal, merged.error().detail};
    }
    reply.NodeServices.Services.emplace_back(std::move(service));
  }
  return Found::yes;
}

/// No blocking query: its answer has no index.
Result<> virtual_ip(Services& services, const ServiceSpecificRequest& request, std::string& reply) {
  const auto view = services.server.view();
  const Result<tokens::Who> who = asking(services, *view, request.Token);
  if (!who) return who.error();
  // That one may read a service of the own says nothing of a peer's of that name.
  const bool may = request.PeerName.empty()
                       ? (*who)->allows(acl::Resource::service, request.ServiceName, acl::Access::read)
                       : (*who)->may_read_imported(acl::Resource::service);
  if (!may) return tokens::denied(*who, acl::Resource::service, request.ServiceName, acl::Access::read);
  reply =
      catalog::virtual_ip_of(view->tables(), {.ServiceName = {.Name = request.ServiceName}, .Peer = request.PeerName});
  return {};
}

}  // namespace

std::span<const Method> catalog_methods() {
  static constexpr Method kRows[] = {
      method<&register_>("Catalog.Register", 0),
      method<&deregister>("Catalog.Deregister", 0),
      method<&list_datacenters>("Catalog.ListDatacenters", kReads | kHere),
      method<&list_nodes>("Catalog.ListNodes", kReads),
      method<&list_services>("Catalog.ListServices", kReads),
      method<&service_list>("Catalog.ServiceList", kReads),
      method<&service_nodes>("Catalog.ServiceNodes", kReads),
      method<&node_services>("Catalog.NodeServices", kReads),
      method<&node_service_list>("Catalog.NodeServiceList", kReads),
      method<&virtual_ip>("Catalog.VirtualIPForService", kReads),
  };
  return kRows;
}

}  // namespace proconsul::agent::rpc
