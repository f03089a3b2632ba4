#include "agent/http/query_endpoint.h"

#include <utility>

#include "agent/http/answers.h"
#include "agent/http/ask.h"
#include "agent/http/asking.h"
#include "agent/http/changes.h"
#include "base/json.h"
#include "base/strconv.h"
#include "catalog/prepared_query/prepared_query.h"

namespace proconsul::agent::http {
namespace {

using base::Errc;
using base::Error;
using base::Result;

void apply_query(Context& agent, const Request& request, catalog::PreparedQueryRequest change, Responder responder,
                 Reply (*reply)(const std::string& id)) {
  change.Token = token_of(request);
  change.Datacenter = named_datacenter(agent, request);
  change_query(agent, std::move(change), [responder = std::move(responder), reply](Result<std::string> id) mutable {
    responder.send(id ? Result<Reply>(reply(*id)) : Result<Reply>(id.error()));
  });
}

Answer answer(const tokens::Who& who, const catalog::QueriesAnswer& found, bool filtered) {
  std::string body = "[";
  for (const catalog::QueryRow* row : found.queries) {
    if (body.size() > 1) body += ',';
    base::append_json(body, tokens::redacted(who, *row));
  }
  body += ']';
  return {.reply = json(std::move(body)), .index = found.index, .filtered_by_acls = filtered};
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
Question refused(const Error& error) {
  Question question;
  question.refused = failure(error);
  return question;
}

rpc::PreparedQueryExecuteRequest execution_of(const Context& agent, const Request& request, std::int64_t limit) {
  auto query = query_of<rpc::PreparedQueryExecuteRequest>(request);
  query.QueryIDOrName = request.rest;
  query.Limit = limit;
  query.Source = source_of(agent, request);
  query.Agent.Datacenter = agent.settings.datacenter;
  query.Agent.Node = agent.settings.node_name;
  return query;
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
  const Result<tokens::Who> who = asking(context);
  if (!who) return who.error();
  catalog::QueriesAnswer found = catalog::query_list(context.view.tables(), context.watch);
  const bool filtered = tokens::keep_readable(*who, found);
  return answer(*who, found, tokens::says_filtered(*who, filtered));
}

Result<Answer> query_get(const ReadContext& context) {
  // Whoever asks: what is not there is not kept from him.
  const Result<catalog::QueriesAnswer> found =
      catalog::query_get(context.view.tables(), context.request.rest, context.watch);
  if (!found) return found.error();
  if (found->queries.empty()) return not_found();
  const Result<tokens::Who> who = asking(context);
  if (!who) return who.error();
  if (Result<> allowed = tokens::may_see(*who, *found->queries.front()); !allowed) return allowed.error();
  return answer(*who, *found, false);
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

Result<Question> ask_query_execute(const Context& agent, const Request& request) {
  const Result<std::int64_t> limit = limit_of(request);
  if (!limit) return refused(limit.error());
  const Result<bool> connect = connect_of(request);
  if (!connect) return refused(connect.error());
  rpc::PreparedQueryExecuteRequest query = execution_of(agent, request, *limit);
  query.Connect = *connect;
  return question(
      "PreparedQuery.Execute", std::move(query),
      +[](const AskedContext& context, catalog::PreparedQueryExecuteResponse& found) -> Result<Answer> {
        found.Nodes.make_present();
        for (catalog::CheckServiceNode& instance : found.Nodes) {
          if (instance.Node) translate(context.agent, found.Datacenter, *instance.Node);
          if (instance.Service) translate(context.agent, found.Datacenter, *instance.Service);
        }
        // What the cache fetches is stale for whoever asks: that is no matter of the client's.
        const QueryOptions& options = context.request.options;
        found.ConsistencyLevel = options.cached ? "leader" : options.consistency();
        return Answer{.reply = json(base::to_json(found))};
      });
}

Result<Question> ask_query_explain(const Context& agent, const Request& request) {
  const Result<std::int64_t> limit = limit_of(request);
  if (!limit) return refused(limit.error());
  return question(
      "PreparedQuery.Explain", execution_of(agent, request, *limit),
      +[](const AskedContext& context, catalog::PreparedQueryExplainResponse& found) -> Result<Answer> {
        found.ConsistencyLevel = context.request.options.consistency();
        return Answer{.reply = json(base::to_json(found))};
      });
}

}  // namespace proconsul::agent::http
