#include "agent/http/query_endpoint.h"

#include <utility>

#include "agent/http/answers.h"
#include "agent/http/ask.h"
#include "agent/http/changes.h"
#include "base/json.h"
#include "base/metrics.h"
#include "base/random.h"
#include "base/strconv.h"
#include "catalog/prepared_query/execution.h"
#include "catalog/prepared_query/prepared_query.h"

namespace proconsul::agent::http {
namespace {

using base::Errc;
using base::Error;
using base::Result;

/// Answers that come from no table have this index.
constexpr std::uint64_t kNoIndex = 1;

void apply_query(Context& agent, const Request& request, catalog::PreparedQueryRequest change, Responder responder,
                 Reply (*reply)(const std::string& id)) {
  change.Token = token_of(request);
  change.Datacenter = named_datacenter(agent, request);
  change_query(agent, std::move(change), [responder = std::move(responder), reply](Result<std::string> id) mutable {
    responder.send(id ? Result<Reply>(reply(*id)) : Result<Reply>(id.error()));
  });
}

Answer answer(const catalog::QueriesAnswer& found) {
  std::string body = "[";
  for (const catalog::QueryRow* row : found.queries) {
    if (body.size() > 1) body += ',';
    base::append_json<catalog::PreparedQuery>(body, *row);
  }
  body += ']';
  return {.reply = json(std::move(body)), .index = found.index};
}

Error not_found() {
  return {Errc::not_found, "Query not found"};
}

Result<std::int64_t> limit_of(const Request& request) {
  const std::string_view text = request.param("limit");
  if (text.empty()) return 0;
  Result<std::int64_t> limit = base::parse_atoi(text);
  if (!limit) return Error{Errc::internal, "Bad limit: " + limit.error().detail};
  return limit;
}

Result<bool> connect_of(const Request& request) {
  const std::string_view text = request.param("connect");
  if (text.empty()) return false;
  Result<bool> connect = base::parse_bool(text);
  if (!connect) return Error{Errc::internal, "Error parsing 'connect' value: " + connect.error().detail};
  return connect;
}

// A parameter that cannot be read ends the request before it becomes a query: no headers of one.
Answer refused(const Error& error) {
  return {.reply = failure(error), .at_once = true, .bare = true};
}

void fill_meta(const ReadContext& context, catalog::QueryMeta& meta) {
  const server::Leadership leadership = context.agent.server->leadership();
  meta.Index = kNoIndex;
  meta.LastContact = leadership.last_contact;
  meta.KnownLeader = leadership.known;
  meta.ConsistencyLevel = context.request.options.consistency();
}

Answer executed(const ReadContext& context, const catalog::QueryResult& result) {
  catalog::PreparedQueryExecuteResponse response;
  response.Service = result.service;
  response.Nodes.make_present();
  for (const catalog::InstanceRow* row : result.rows) {
    response.Nodes.push_back(catalog::check_service_node(context.view.tables(), *row));
  }
  response.DNS = result.dns;
  response.Datacenter = result.datacenter;
  response.PeerName = result.peer;
  response.Failovers = result.failovers;
  fill_meta(context, response);
  return {.reply = json(base::to_json(response)), .index = kNoIndex, .at_once = true};
}

}  // namespace

void query_create(Context& agent, const Request& request, Responder responder) {
  catalog::PreparedQueryRequest change;
  change.Op = "create";
  if (Result<> read = decode_body(request, change.Query.emplace()); !read) return responder.send(read.error());
  apply_query(agent, request, std::move(change), std::move(responder),
              [](const std::string& id) { return json("{\"ID\":\"" + id + "\"}"); });
}

void query_update(Context& agent, const Request& request, Responder responder) {
  catalog::PreparedQueryRequest change;
  change.Op = "update";
  catalog::PreparedQuery& query = change.Query.emplace();
  if (request.content_length > 0) {
    if (Result<> read = decode_body(request, query); !read) return responder.send(read.error());
  }
  query.ID = request.rest;  // whatever the body says
  apply_query(agent, request, std::move(change), std::move(responder), [](const std::string&) { return empty(); });
}

void query_delete(Context& agent, const Request& request, Responder responder) {
  catalog::PreparedQueryRequest change;
  change.Op = "delete";
  change.Query.emplace().ID = request.rest;
  apply_query(agent, request, std::move(change), std::move(responder), [](const std::string&) { return empty(); });
}

Result<Answer> query_list(const ReadContext& context) {
  return answer(catalog::query_list(context.view.tables(), context.watch));
}

Result<Answer> query_get(const ReadContext& context) {
  const Result<catalog::QueriesAnswer> found =
      catalog::query_get(context.view.tables(), context.request.rest, context.watch);
  if (!found) return found.error();
  if (found->queries.empty()) return not_found();
  return answer(*found);
}

namespace {

Result<Answer> show_queries(const AskedContext&, rpc::IndexedPreparedQueries& found) {
  found.Queries.make_present();
  return Answer{.reply = json(base::to_json(found.Queries))};
}

}  // namespace

Result<Question> ask_query_list(const Context&, const Request& request) {
  return question("PreparedQuery.List", query_of<rpc::DCSpecificRequest>(request), &show_queries);
}

Result<Question> ask_query_get(const Context&, const Request& request) {
  auto query = query_of<rpc::PreparedQuerySpecificRequest>(request);
  query.QueryID = request.rest;
  return question("PreparedQuery.Get", std::move(query), &show_queries);
}

Result<Answer> query_execute(const ReadContext& context) {
  static const auto kTimes =
      base::metrics::sample("prepared-query.execute", {}, "Time that executing a prepared query takes.");
  const base::metrics::ScopedTimer timer(kTimes);
  const Request& request = context.request;
  const Result<std::int64_t> limit = limit_of(request);
  if (!limit) return refused(limit.error());
  const Result<bool> connect = connect_of(request);
  if (!connect) return refused(connect.error());
  const Settings& settings = context.agent.settings;
  const std::string source_ip = request.source_ip();
  Result<std::optional<catalog::QueryExecution>> execution =
      catalog::QueryExecution::start(context.view.tables(), request.rest,
                                     {.datacenter = settings.datacenter,
                                      .node = settings.node_name,
                                      .near = request.param("near"),
                                      .source_ip = source_ip,
                                      .limit = *limit,
                                      .connect = *connect,
                                      .sort_by_distance = !settings.disable_coordinates},
                                     base::system_random());
  if (!execution) return execution.error();
  if (!*execution) {
    // The cache passes on that there was an error, not which one.
    return request.options.cached ? Error{Errc::internal, not_found().detail} : not_found();
  }
  return executed(context, (*execution)->result());
}

Result<Answer> query_explain(const ReadContext& context) {
  static const auto kTimes =
      base::metrics::sample("prepared-query.explain", {}, "Time that explaining a prepared query takes.");
  const base::metrics::ScopedTimer timer(kTimes);
  const Result<std::int64_t> limit = limit_of(context.request);
  if (!limit) return refused(limit.error());
  Result<std::optional<catalog::PreparedQuery>> query =
      catalog::query_resolve(context.view.tables(), context.request.rest, {});
  if (!query) return query.error();
  if (!*query) return not_found();
  catalog::PreparedQueryExplainResponse response;
  response.Query = std::move(**query);
  fill_meta(context, response);
  return Answer{.reply = json(base::to_json(response)), .index = kNoIndex, .at_once = true};
}

}  // namespace proconsul::agent::http
