#include "agent/rpc/methods/families.h"
#include "agent/server/changes.h"
#include "base/random.h"
#include "catalog/prepared_query/execution.h"
#include "catalog/prepared_query/prepared_query.h"

namespace proconsul::agent::rpc {
namespace {

using base::Errc;
using base::Error;
using base::Result;

Error not_found() {
  return {Errc::not_found, "Query not found"};
}

void apply(Services& services, catalog::PreparedQueryRequest& request, server::Answered<std::string> done) {
  server::change_query(services.server, std::move(request), std::move(done));
}

void fill(IndexedPreparedQueries& reply, const catalog::QueriesAnswer& found) {
  reply.Index = found.index;
  for (const catalog::QueryRow* row : found.queries) reply.Queries.emplace_back(catalog::PreparedQuery(*row));
}

Result<Found> get(Services&, const catalog::View& view, base::KeySet* watch,
                  const PreparedQuerySpecificRequest& request, IndexedPreparedQueries& reply) {
  const Result<catalog::QueriesAnswer> found = catalog::query_get(view.tables(), request.QueryID, watch);
  if (!found) return found.error();
  if (found->queries.empty()) return not_found();
  fill(reply, *found);
  return Found::yes;
}

Result<Found> list(Services&, const catalog::View& view, base::KeySet* watch, const DCSpecificRequest&,
                   IndexedPreparedQueries& reply) {
  fill(reply, catalog::query_list(view.tables(), watch));
  reply.Queries.make_present();
  return Found::yes;
}

void fill(catalog::PreparedQueryExecuteResponse& reply, const catalog::Tables& tables,
          const catalog::QueryResult& result) {
  reply.Service = result.service;
  for (const catalog::InstanceRow* row : result.rows) {
    reply.Nodes.push_back(catalog::check_service_node(tables, *row));
  }
  reply.DNS = result.dns;
  reply.Datacenter = result.datacenter;
  reply.PeerName = result.peer;
  reply.Failovers = result.failovers;
}

Result<Found> execute(Services& services, const catalog::View& view, base::KeySet*,
                      const PreparedQueryExecuteRequest& request, catalog::PreparedQueryExecuteResponse& reply) {
  Result<std::optional<catalog::QueryExecution>> execution =
      catalog::QueryExecution::start(view.tables(), request.QueryIDOrName,
                                     {.datacenter = services.datacenter,
                                      .node = request.Agent.Node,
                                      .segment = request.Agent.Segment,
                                      .near = request.Source.Node,
                                      .source_ip = request.Source.Ip,
                                      .limit = request.Limit,
                                      .connect = request.Connect},
                                     base::system_random());
  if (!execution) return execution.error();
  if (!*execution) return not_found();
  fill(reply, view.tables(), (*execution)->result());
  return Found::yes;
}

Result<Found> execute_remote(Services& services, const catalog::View& view, base::KeySet*,
                             const catalog::PreparedQueryExecuteRemoteRequest& request,
                             catalog::PreparedQueryExecuteResponse& reply) {
  fill(reply, view.tables(),
       catalog::execute_for_other(view.tables(), request.Query, services.datacenter, request.Limit, request.Connect,
                                  base::system_random()));
  return Found::yes;
}

Result<Found> explain(Services&, const catalog::View& view, base::KeySet*, const PreparedQueryExecuteRequest& request,
                      catalog::PreparedQueryExplainResponse& reply) {
  Result<std::optional<catalog::PreparedQuery>> query =
      catalog::query_resolve(view.tables(), request.QueryIDOrName, request.Agent.Segment);
  if (!query) return query.error();
  if (!*query) return not_found();
  reply.Query = std::move(**query);
  return Found::yes;
}

}  // namespace

std::span<const Method> query_methods() {
  static constexpr Method kRows[] = {
      method<&apply>("PreparedQuery.Apply", 0),
      method<&get>("PreparedQuery.Get", kReads),
      method<&list>("PreparedQuery.List", kReads),
      method<&execute>("PreparedQuery.Execute", kReads),
      method<&execute_remote>("PreparedQuery.ExecuteRemote", kReads),
      method<&explain>("PreparedQuery.Explain", kReads),
  };
  return kRows;
}

}  // namespace proconsul::agent::rpc
