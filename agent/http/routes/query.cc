// Prepared queries.
#include "agent/http/routes/families.h"

#include "agent/http/answer_types.h"
#include "agent/http/query_endpoint.h"
#include "agent/http/route.h"
#include "agent/http/routes/failures.h"
#include "catalog/types/prepared_query.h"

namespace proconsul::agent::http {
namespace {

using base::List;
using base::type_of;
using enum Method;

constexpr Failure kBadQueryDefinition{
    500, R"((Invalid prepared query|ID must be empty|Prepared [Qq]uery lookup failed|Cannot modify|Bad )[\s\S]*)",
    "The servers refuse the query: Consul's status."};
constexpr Failure kNoQuery{404, "Query not found", "There is no such query."};
constexpr Failure kNoQueryInCache{500, "Query not found",
                                  "The cache passes on that there was an error, not which one."};
constexpr Failure kNoQueryId{500, R"([\s\S]*(failed index lookup|uuid|UUID|Query lookup)[\s\S]*)",
                             "An id that is none: Consul's status."};
constexpr Failure kBadLimit{500, R"(Bad limit: [\s\S]*)", "A parameter that is no number: Consul's status."};
constexpr Failure kBadConnect{500, R"(Error parsing 'connect' value: [\s\S]*)",
                              "A parameter that is no truth value: Consul's status."};
constexpr Failure kBadTemplate{500, R"((prepared query is not a template|Bad |[\s\S]*[Tt]emplate)[\s\S]*)",
                               "The template cannot be rendered for the name."};

constexpr Route kQueryRoutes[] = {
    {get,
     "/v1/query",
     read(query_list, ask_query_list),
     kShowConsistency | kMetaOnError,
     {.rpc = "PreparedQuery.List", .summary = "All prepared queries", .answer = type_of<List<catalog::PreparedQuery>>}},
    {post,
     "/v1/query",
     async(query_create),
     {},
     {.rpc = "PreparedQuery.Apply",
      .summary = "Create a prepared query",
      .params = param::kDatacenter,
      .body = type_of<catalog::PreparedQuery>,
      .answer = type_of<SessionCreated>,
      .failures = {&kBadQueryDefinition, &kRefusedWrite}}},
    {get,
     "/v1/query/",
     read(query_get, ask_query_get),
     kOddMethods | kShowConsistency | kMetaOnError,
     {.rpc = "PreparedQuery.Get",
      .summary = "A prepared query",
      .rest = "id",
      .answer = type_of<List<catalog::PreparedQuery>>,
      .failures = {&kNoQuery, &kNoQueryId}}},
    {put,
     "/v1/query/",
     async(query_update),
     kOddMethods,
     {.rpc = "PreparedQuery.Apply",
      .summary = "Change a prepared query",
      .rest = "id",
      .params = param::kDatacenter,
      .body = type_of<catalog::PreparedQuery>,
      .gives = Content::nothing,
      .failures = {&kBadQueryDefinition, &kRefusedWrite}}},
    {delete_,
     "/v1/query/",
     async(query_delete),
     kOddMethods,
     {.rpc = "PreparedQuery.Apply",
      .summary = "Delete a prepared query",
      .rest = "id",
      .params = param::kDatacenter,
      .gives = Content::nothing,
      .failures = {&kBadQueryDefinition, &kRefusedWrite}}},
    {get,
     "/v1/query/",
     ask(ask_query_execute),
     kOddMethods | kShowConsistency | kCacheable | kNotRefreshed | kMetaOnError,
     {.rpc = "PreparedQuery.Execute",
      .summary = "What a prepared query finds",
      .rest = "query",
      .params = param::kNear | param::kLimit | param::kConnect,
      .answer = type_of<catalog::PreparedQueryExecuteResponse>,
      .failures = {&kNoQuery, &kNoQueryInCache, &kBadLimit, &kBadConnect, &kBadTemplate}},
     "/execute"},
    {get,
     "/v1/query/",
     ask(ask_query_explain),
     kOddMethods | kShowConsistency | kMetaOnError,
     {.rpc = "PreparedQuery.Explain",
      .summary = "What a prepared query becomes for a name",
      .rest = "query",
      .params = param::kNear | param::kLimit,
      .answer = type_of<catalog::PreparedQueryExplainResponse>,
      .failures = {&kNoQuery, &kBadLimit, &kBadTemplate}},
     "/explain"},
};

}  // namespace

std::span<const Route> query_routes() {
  return kQueryRoutes;
}

}  // namespace proconsul::agent::http
