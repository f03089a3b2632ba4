// Executing a prepared query: the healthy instances that it asks for, from here or from the first failover target that
// has some. For the HTTP API and for DNS.
//
//   Result<std::optional<QueryExecution>> execution = QueryExecution::start(view->tables(), "db", options);
//   while (auto request = (*execution)->next()) (*execution)->answered(ask(*request));   // only with other datacenters
//   (*execution)->result().rows ...
//
// Nothing here waits, reads a clock or knows of sockets. Without other datacenters next() has nothing to ask.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "catalog/query/instances.h"
#include "catalog/store/tables.h"
#include "catalog/types/prepared_query.h"

namespace proconsul::catalog {

/// Takes out what whoever executes a query may not see; what is left counts as found.
using KeepReadable = std::function<void(const PreparedQuery& query, std::vector<const InstanceRow*>& rows)>;

struct QueryExecuteOptions {
  std::string_view datacenter{};   // this one
  std::string_view node{};         // the agent's, which "_agent" means
  std::string_view segment{};      // the agent's
  std::string_view near{};         // nearest first, as seen from this node ("_agent", "_ip"); wins over the query's own
  std::string_view source_ip{};    // of the client, which "_ip" means; empty: unknown
  std::int64_t limit = 0;          // at most so many instances; <= 0: all
  bool connect = false;            // proxies and native instances, whatever the query says
  bool sort_by_distance = true;    // false with disable_coordinates: then nothing is sorted
  bool near_is_elsewhere = false;  // "near" is a node of another datacenter, whose distances nobody knows here
  /// Known ones, nearest first; asked only where there is nobody healthy here. Empty: there are none.
  std::function<std::vector<std::string>()> other_datacenters{};
  KeepReadable keep_readable{};  // empty: all may be seen
};

/// What was found. `rows` live as long as the tables; `remote` is what another datacenter answered in their place.
struct QueryResult {
  std::string service{};
  std::string datacenter{};  // where the instances are; empty for those of a peer
  std::string peer{};
  QueryDNSOptions dns{};
  std::int64_t failovers = 0;  // how many targets were tried
  std::vector<const InstanceRow*> rows{};
  base::List<CheckServiceNode> remote{};
};

class QueryExecution {
 public:
  /// Nothing if there is no such query. The tables and `random` must outlive the execution.
  static base::Result<std::optional<QueryExecution>> start(const Tables& tables, std::string_view id_or_name,
                                                           const QueryExecuteOptions& options, base::Random& random);

  /// What another datacenter has to be asked before this is complete; the caller adds the client's query options.
  std::optional<PreparedQueryExecuteRemoteRequest> next() const;
  /// Its answer, or why there is none: then the next target is tried.
  void answered(base::Result<PreparedQueryExecuteResponse> answer);

  const PreparedQuery& query() const { return query_; }
  const QueryResult& result() const { return result_; }

 private:
  QueryExecution(const Tables& tables, PreparedQuery query, const QueryExecuteOptions& options, base::Random& random);
  void sort(const QueryExecuteOptions& options);
  void plan_failover(const std::vector<std::string>& other_datacenters);
  void fail_over();

  const Tables* tables_;
  base::Random* random_;
  PreparedQuery query_;
  QueryResult result_{};
  std::string own_datacenter_;
  std::int64_t limit_;
  bool connect_;
  KeepReadable keep_readable_;
  std::vector<QueryFailoverTarget> targets_{};
  std::size_t next_target_ = 0;
};

/// PreparedQuery.ExecuteRemote, at the datacenter that is asked: no failover, no order but chance.
QueryResult execute_for_other(const Tables& tables, const PreparedQuery& query, std::string_view datacenter,
                              std::int64_t limit, bool connect, base::Random& random,
                              const KeepReadable& keep_readable = {});

}  // namespace proconsul::catalog
