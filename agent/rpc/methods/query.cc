#include <memory>
#include <optional>

#include "agent/rpc/asking.h"
#include "agent/rpc/caller.h"
#include "agent/rpc/federation.h"
#include "agent/rpc/methods/families.h"
#include "agent/server/changes.h"
#include "agent/tokens/readable.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "catalog/prepared_query/execution.h"
#include "catalog/prepared_query/prepared_query.h"

namespace proconsul::agent::rpc {
namespace {

using base::Errc;
using base::Error;
using base::Result;

const base::log::Logger kLog("agent.server.prepared_query");

Error not_found() {
  return {Errc::not_found, "Query not found"};
}

void apply(Services& services, catalog::PreparedQueryRequest& request, server::Answered<std::string> done) {
  const Result<tokens::Who> who = asking(services, request.Token);
  if (!who) return done(who.error());
  server::change_query(services.server, *who, std::move(request), std::move(done));
}

void fill(IndexedPreparedQueries& reply, const tokens::Who& who, const catalog::QueriesAnswer& found) {
  reply.Index = found.index;
  for (const catalog::QueryRow* row : found.queries) reply.Queries.emplace_back(tokens::redacted(who, *row));
}

Result<Found> get(Services& services, const catalog::View& view, base::KeySet* watch,
                  const PreparedQuerySpecificRequest& request, IndexedPreparedQueries& reply) {
  // Whoever asks: what is not there is not kept from him.
  const Result<catalog::QueriesAnswer> found = catalog::query_get(view.tables(), request.QueryID, watch);
  if (!found) return found.error();
  if (found->queries.empty()) return not_found();
  const Result<tokens::Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  if (Result<> allowed = tokens::may_see(*who, *found->queries.front()); !allowed) return allowed.error();
  fill(reply, *who, *found);
  return Found::yes;
}

Result<Found> list(Services& services, const catalog::View& view, base::KeySet* watch, const DCSpecificRequest& request,
                   IndexedPreparedQueries& reply) {
  const Result<tokens::Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  catalog::QueriesAnswer found = catalog::query_list(view.tables(), watch);
  reply.ResultsFilteredByACLs = tokens::says_filtered(*who, tokens::keep_readable(*who, found));
  fill(reply, *who, found);
  reply.Queries.make_present();
  return Found::yes;
}

// No blocking queries: they are consistent, where that is asked for, by themselves.

/// Goes on with the state once this server is known to lead, if the request wants that or it may not be; then on some
/// loop.
template <class Reply, class Then>
void when_consistent(Services& services, const catalog::QueryOptions& options, server::Answered<Reply> done,
                     Then then) {
  const server::Leadership leadership = services.server.leadership();
  const bool may_lag = leadership.is_leader && !leadership.current && !options.AllowStale;
  if (!options.RequireConsistent && !may_lag) return then(std::move(done));
  services.server.verify_leader(
      [&loop = services.loops->next(), done = std::move(done), then = std::move(then)](Result<> leads) mutable {
        if (!leads) return done(leads.error());
        loop.post([done = std::move(done), then = std::move(then)]() mutable { then(std::move(done)); });
      });
}

catalog::PreparedQueryExecuteResponse response(const catalog::Tables& tables, const catalog::QueryResult& result) {
  catalog::PreparedQueryExecuteResponse reply;
  reply.Service = result.service;
  reply.Nodes.make_present();
  for (const catalog::InstanceRow* row : result.rows) {
    reply.Nodes.push_back(catalog::check_service_node(tables, *row));
  }
  reply.DNS = result.dns;
  reply.Datacenter = result.datacenter;
  reply.PeerName = result.peer;
  reply.Failovers = result.failovers;
  return reply;
}

using Execution = server::Answered<catalog::PreparedQueryExecuteResponse>;

/// What an execution may see: by the token of the query, if it has one, else by that of the request.
class Sight : public std::enable_shared_from_this<Sight> {
 public:
  Sight(const Services& services, catalog::ViewPtr view, std::string token)
      : services_(services), view_(std::move(view)), token_(std::move(token)) {}

  catalog::KeepReadable keep() {
    if (!services_.tokens) return {};
    // The execution keeps it for later targets.
    return [this, self = shared_from_this()](const catalog::PreparedQuery& query,
                                             std::vector<const catalog::InstanceRow*>& rows) {
      const Result<tokens::Who> who = asking(services_, *view_, query.Token.empty() ? token_ : query.Token);
      if (!who) {
        failed_ = who.error();
        return rows.clear();
      }
      filtered_ = tokens::says_filtered(*who, tokens::keep_readable(*who, rows));
    };
  }
  const std::optional<Error>& failed() const { return failed_; }
  bool filtered() const { return filtered_; }

 private:
  const Services& services_;
  const catalog::ViewPtr view_;
  const std::string token_;
  std::optional<Error> failed_{};
  bool filtered_ = false;
};

/// A query on its way through the datacenters that it may fail over to.
struct Failover : std::enable_shared_from_this<Failover> {
  Services& services;
  const PreparedQueryExecuteRequest request;
  const catalog::ViewPtr view;  // what the execution looks at
  catalog::QueryExecution execution;
  Execution done;

  Failover(Services& services_, const PreparedQueryExecuteRequest& request_, catalog::ViewPtr view_,
           catalog::QueryExecution execution_, Execution done_)
      : services(services_),
        request(request_),
        view(std::move(view_)),
        execution(std::move(execution_)),
        done(std::move(done_)) {}

  void go_on() {
    std::optional<catalog::PreparedQueryExecuteRemoteRequest> next = execution.next();
    if (!next || services.caller == nullptr) return finish();
    static_cast<catalog::QueryOptions&>(*next) = request;
    ask<catalog::PreparedQueryExecuteRemoteRequest, catalog::PreparedQueryExecuteResponse>(
        *services.caller, services.loops->next(), "PreparedQuery.ExecuteRemote", *next,
        [self = shared_from_this(),
         datacenter = next->Datacenter](Result<catalog::PreparedQueryExecuteResponse> answer) {
          if (!answer) {
            kLog.warn("Failed querying for service in datacenter",
                      {{"service", self->execution.query().Service.Service},
                       {"datacenter", datacenter},
                       {"error", answer.error()}});
          }
          self->execution.answered(std::move(answer));
          self->go_on();
        });
  }

  void finish() {
    const catalog::QueryResult& result = execution.result();
    catalog::PreparedQueryExecuteResponse reply = response(view->tables(), result);
    if (!result.remote.empty()) reply.Nodes = result.remote;
    done(std::move(reply));
  }
};

void run(Services& services, const PreparedQueryExecuteRequest& request, Execution done) {
  static const auto kTimes =
      base::metrics::sample("prepared-query.execute", {}, "Time that executing a prepared query takes.");
  const base::metrics::ScopedTimer timer(kTimes);
  const std::string& from = request.Source.Datacenter.empty() ? request.Agent.Datacenter : request.Source.Datacenter;
  const catalog::ViewPtr view = services.server.view();
  catalog::QueryExecuteOptions options{.datacenter = services.datacenter,
                                       .node = request.Agent.Node,
                                       .segment = request.Agent.Segment,
                                       .near = request.Source.Node,
                                       .source_ip = request.Source.Ip,
                                       .limit = request.Limit,
                                       .connect = request.Connect,
                                       .sort_by_distance = services.sort_by_distance,
                                       .near_is_elsewhere = from != services.datacenter};
  if (services.federation != nullptr) {
    options.other_datacenters = [&services] {
      std::vector<std::string> names = services.federation->datacenters();
      std::erase(names, services.datacenter);
      return names;
    };
  }
  const auto sight = std::make_shared<Sight>(services, view, request.Token);
  options.keep_readable = sight->keep();
  Result<std::optional<catalog::QueryExecution>> execution =
      catalog::QueryExecution::start(view->tables(), request.QueryIDOrName, options, base::system_random());
  if (!execution) return done(execution.error());
  if (!*execution) return done(not_found());
  if (sight->failed()) return done(*sight->failed());
  if (!(*execution)->next()) {
    catalog::PreparedQueryExecuteResponse reply = response(view->tables(), (*execution)->result());
    reply.ResultsFilteredByACLs = sight->filtered();
    return done(std::move(reply));
  }
  std::make_shared<Failover>(services, request, view, std::move(**execution), std::move(done))->go_on();
}

void execute(Services& services, PreparedQueryExecuteRequest& request, Execution done) {
  when_consistent(services, request, std::move(done),
                  [&services, request](Execution then) { run(services, request, std::move(then)); });
}

void execute_remote(Services& services, catalog::PreparedQueryExecuteRemoteRequest& request, Execution done) {
  when_consistent(services, request, std::move(done), [&services, request](Execution then) {
    static const auto kTimes = base::metrics::sample("prepared-query.execute_remote", {},
                                                     "Time that executing another datacenter's query takes.");
    const base::metrics::ScopedTimer timer(kTimes);
    const catalog::ViewPtr view = services.server.view();
    const auto sight = std::make_shared<Sight>(services, view, request.Token);
    const catalog::QueryResult found =
        catalog::execute_for_other(view->tables(), request.Query, services.datacenter, request.Limit, request.Connect,
                                   base::system_random(), sight->keep());
    if (sight->failed()) return then(*sight->failed());
    catalog::PreparedQueryExecuteResponse reply = response(view->tables(), found);
    reply.ResultsFilteredByACLs = sight->filtered();
    then(std::move(reply));
  });
}

void explain(Services& services, PreparedQueryExecuteRequest& request,
             server::Answered<catalog::PreparedQueryExplainResponse> done) {
  when_consistent(services, request, std::move(done), [&services, request](auto then) {
    static const auto kTimes =
        base::metrics::sample("prepared-query.explain", {}, "Time that explaining a prepared query takes.");
    const base::metrics::ScopedTimer timer(kTimes);
    const catalog::ViewPtr view = services.server.view();
    Result<std::optional<catalog::PreparedQuery>> query =
        catalog::query_resolve(view->tables(), request.QueryIDOrName, request.Agent.Segment);
    if (!query) return then(query.error());
    if (!*query) return then(not_found());
    const Result<tokens::Who> who = asking(services, *view, request.Token);
    if (!who) return then(who.error());
    if (Result<> allowed = tokens::may_see(*who, **query); !allowed) return then(allowed.error());
    catalog::PreparedQueryExplainResponse reply;
    reply.Query = tokens::redacted(*who, std::move(**query));
    then(std::move(reply));
  });
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
