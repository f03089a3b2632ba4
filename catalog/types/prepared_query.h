// Prepared queries: a stored question for healthy instances of a service, and what executing one answers.
#pragma once

#include <string>

#include "base/type.h"
#include "catalog/types/common.h"
#include "catalog/types/service.h"

namespace proconsul::catalog {

inline constexpr std::string_view kNamePrefixMatch = "name_prefix_match";

/// Where to ask when there is nobody healthy here: one of the two is set.
struct QueryFailoverTarget {
  std::string Peer{};
  std::string Datacenter{};
  bool operator==(const QueryFailoverTarget&) const = default;
};
PROCONSUL_DECLARE_TYPE(QueryFailoverTarget)

struct QueryFailoverOptions {
  base::Int NearestN{};  // first so many other datacenters, by distance
  base::List<std::string> Datacenters{};
  base::List<QueryFailoverTarget> Targets{};  // excludes the other two
};
PROCONSUL_DECLARE_TYPE(QueryFailoverOptions)

struct QueryDNSOptions {
  std::string TTL{};  // Go duration text; empty: the agent's setting
};
PROCONSUL_DECLARE_TYPE(QueryDNSOptions)

struct ServiceQuery {
  std::string Service{};
  std::string SamenessGroup{};  // refused: an enterprise feature
  QueryFailoverOptions Failover{};
  bool OnlyPassing{};
  base::List<std::string> IgnoreCheckIDs{};  // checks that do not count
  std::string Near{};                        // a node, "_agent" or "_ip"
  base::List<std::string> Tags{};            // "!tag" must not be there
  base::Map<std::string> NodeMeta{};
  base::Map<std::string> ServiceMeta{};
  bool Connect{};
  std::string Peer{};
};
PROCONSUL_DECLARE_TYPE(ServiceQuery)

struct QueryTemplateOptions {
  std::string Type{};  // empty: no template; else kNamePrefixMatch
  std::string Regexp{};
  bool RemoveEmptyTags{};
};
PROCONSUL_DECLARE_TYPE(QueryTemplateOptions)

struct PreparedQuery : RaftIndex {
  std::string ID{};  // UUID text
  std::string Name{};
  std::string Session{};  // the query ends with it; empty: with nobody
  std::string Token{};
  QueryTemplateOptions Template{};
  ServiceQuery Service{};
  QueryDNSOptions DNS{};
};
PROCONSUL_DECLARE_TYPE(PreparedQuery)

/// Command 7. Op: create, update, delete.
struct PreparedQueryRequest : WriteRequest {
  std::string Datacenter{};
  std::string Op{};
  base::Pointer<PreparedQuery> Query{};
};
PROCONSUL_DECLARE_TYPE(PreparedQueryRequest)

/// PreparedQuery.ExecuteRemote: runs this query in another datacenter, which does not know it.
struct PreparedQueryExecuteRemoteRequest : QueryOptions {
  std::string Datacenter{};
  PreparedQuery Query{};
  base::Int Limit{};
  bool Connect{};
};
PROCONSUL_DECLARE_TYPE(PreparedQueryExecuteRemoteRequest)

/// GET /v1/query/:id/execute
struct PreparedQueryExecuteResponse : QueryMeta {
  std::string Service{};
  base::List<CheckServiceNode> Nodes{};
  QueryDNSOptions DNS{};
  std::string Datacenter{};
  std::string PeerName{};
  base::Int Failovers{};
};
PROCONSUL_DECLARE_TYPE(PreparedQueryExecuteResponse)

/// GET /v1/query/:id/explain
struct PreparedQueryExplainResponse : QueryMeta {
  PreparedQuery Query{};
};
PROCONSUL_DECLARE_TYPE(PreparedQueryExplainResponse)

}  // namespace proconsul::catalog
