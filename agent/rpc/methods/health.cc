#include "agent/http/metrics.h"
#include "agent/rpc/asking.h"
#include "agent/rpc/methods/families.h"
#include "agent/tokens/readable.h"
#include "catalog/query/checks.h"
#include "catalog/query/merged.h"

namespace proconsul::agent::rpc {
namespace {

using base::Errc;
using base::Error;
using base::Result;

Result<Found> fill(const Services& services, const catalog::View& view, const catalog::QueryOptions& request,
                   const QuerySource& source, IndexedHealthChecks& reply, catalog::ChecksAnswer found) {
  const Result<tokens::Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  reply.ResultsFilteredByACLs = tokens::says_filtered(*who, tokens::keep_readable(*who, found.rows));
  Result<> kept =
      keep_matching<catalog::HealthCheck>(found.rows, request.Filter, [](const auto& row) { return row.get(); });
  if (!kept) return kept.error();
  sort_near(view.tables(), source, found.rows, [](const auto& row) { return row.get().Node; });
  reply.Index = found.index;
  reply.HealthChecks.make_present();
  for (const catalog::CheckRow* row : found.rows) reply.HealthChecks.emplace_back(row->get());
  return Found::yes;
}

Result<Found> checks_in_state(Services& services, const catalog::View& view, base::KeySet* watch,
                              const ChecksInStateRequest& request, IndexedHealthChecks& reply) {
  return fill(services, view, request, request.Source, reply,
              catalog::checks_in_state(view.tables(), request.State, meta_filter(request.NodeMetaFilters),
                                       request.PeerName, watch));
}

Result<Found> node_checks(Services& services, const catalog::View& view, base::KeySet* watch,
                          const NodeSpecificRequest& request, IndexedHealthChecks& reply) {
  return fill(services, view, request, {}, reply,
              catalog::checks_of_node(view.tables(), request.Node, request.PeerName, watch));
}

Result<Found> service_checks(Services& services, const catalog::View& view, base::KeySet* watch,
                             const ServiceSpecificRequest& request, IndexedHealthChecks& reply) {
  if (request.TagFilter) return Error{Errc::internal, "Tag filtering is not supported"};
  return fill(services, view, request, request.Source, reply,
              catalog::checks_of_service(view.tables(), request.ServiceName, meta_filter(request.NodeMetaFilters),
                                         request.PeerName, watch));
}

Result<Found> service_nodes(Services& services, const catalog::View& view, base::KeySet* watch,
                            const ServiceSpecificRequest& request, IndexedCheckServiceNodes& reply) {
  if (request.ServiceName.empty()) return Error{Errc::internal, "Must provide service name"};
  if (!request.SamenessGroup.empty()) {
    return Error{Errc::internal, "sameness groups are not supported in consul CE"};
  }
  if (request.HealthFilterType < 0 || request.HealthFilterType > 2) {
    return Error{Errc::internal, "invalid health filter type"};
  }
  const Result<tokens::Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  if ((request.Connect || request.Ingress) &&
      !(*who)->allows(acl::Resource::service, request.ServiceName, acl::Access::read)) {
    return Error{Errc::permission_denied, "Permission denied"};
  }
  const catalog::Tables& tables = view.tables();
  std::vector<std::string> tags = request.ServiceTags;
  if (tags.empty() && request.TagFilter) tags = {request.ServiceTag};
  catalog::InstancesAnswer found;
  if (request.Ingress && !request.TagFilter) {
    found = catalog::health_ingress(tables, request.ServiceName, watch);
  } else {
    found = catalog::health_instances(tables,
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
  catalog::filter_by_health(tables, found.rows, static_cast<catalog::HealthFilter>(request.HealthFilterType));
  catalog::MergedInstances merged;
  if (request.MergeCentralConfig) {
    Result<catalog::MergedInstances> all = catalog::merge_instances(tables, found.rows, found.index, watch);
    if (!all) return Error{Errc::internal, all.error().detail};
    merged = std::move(*all);
  }
  const auto shown = [&](const catalog::InstanceRow& row) {
    return request.MergeCentralConfig ? merged.at(&row) : catalog::check_service_node(tables, row);
  };
  Result<> kept = keep_matching<catalog::CheckServiceNode>(found.rows, request.Filter, shown);
  if (!kept) return kept.error();
  sort_near(tables, request.Source, found.rows, [](const auto& row) { return row.service().get().Node; });
  http::count_service_query(request.Connect   ? http::ServiceQuery::health_connect
                            : request.Ingress ? http::ServiceQuery::health_ingress
                                              : http::ServiceQuery::health_service,
                            request.ServiceName, tags, !found.rows.empty());
  reply.Index = found.index;
  reply.Nodes.make_present();
  for (const catalog::InstanceRow* row : found.rows) reply.Nodes.push_back(shown(*row));
  return Found::yes;
}

}  // namespace

std::span<const Method> health_methods() {
  static constexpr Method kRows[] = {
      method<&checks_in_state>("Health.ChecksInState", kReads),
      method<&node_checks>("Health.NodeChecks", kReads),
      method<&service_checks>("Health.ServiceChecks", kReads),
      method<&service_nodes>("Health.ServiceNodes", kReads),
  };
  return kRows;
}

}  // namespace proconsul::agent::rpc
