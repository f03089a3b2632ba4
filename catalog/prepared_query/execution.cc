#include "catalog/prepared_query/execution.h"

#include <algorithm>
#include <set>
#include <utility>

#include "catalog/prepared_query/prepared_query.h"
#include "catalog/query/distance.h"
#include "catalog/registry/lookup.h"
#include "catalog/registry/same.h"
#include "catalog/store/key.h"

namespace proconsul::catalog {

using base::Result;

namespace {

using Rows = std::vector<const InstanceRow*>;

std::string node_name(const InstanceRow* row) {
  return row->service().get().Node;
}

bool is_healthy(const Tables& tables, const InstanceRow& row, const ServiceQuery& query) {
  const InstanceRow::Health worst =
      query.IgnoreCheckIDs.empty() ? health(tables, row) : health_without(tables, row, query.IgnoreCheckIDs);
  return query.OnlyPassing ? worst == InstanceRow::Health::passing : worst != InstanceRow::Health::critical;
}

// All of the tags, and none of those behind a "!", in any letter case.
bool has_wanted_tags(const InstanceRow& row, const base::List<std::string>& wanted) {
  const base::List<std::string> tags = service_tags(row.service());
  return std::ranges::all_of(wanted, [&](std::string_view tag) {
    const bool must = !tag.starts_with('!');
    if (!must) tag.remove_prefix(1);
    return must == std::ranges::any_of(tags, [&](const std::string& own) { return same_letters(own, tag); });
  });
}

Rows instances_here(const Tables& tables, const ServiceQuery& query, bool connect) {
  Rows rows =
      health_instances(tables,
                       {.service = query.Service, .peer = query.Peer, .connect = query.Connect || connect, .tags = {}},
                       nullptr)
          .rows;
  const MetaFilter node_meta(query.NodeMeta.begin(), query.NodeMeta.end());
  const MetaFilter service_meta(query.ServiceMeta.begin(), query.ServiceMeta.end());
  std::erase_if(rows, [&](const InstanceRow* row) {
    return !is_healthy(tables, *row, query) || !node_has_meta(tables, *row, node_meta) ||
           (!service_meta.empty() && !has_meta(row->service().get().Meta, service_meta)) ||
           (!query.Tags.empty() && !has_wanted_tags(*row, query.Tags));
  });
  return rows;
}

// One number from the system serves a whole shuffle: each number is a call into the kernel.
void shuffle(Rows& rows, base::Random& random) {
  if (rows.size() < 2) return;
  base::SeededRandom order(random.next());
  for (std::size_t i = rows.size() - 1; i > 0; --i) std::swap(rows[i], rows[order.below(i + 1)]);
}

void cut(Rows& rows, std::int64_t limit) {
  if (limit > 0 && rows.size() > static_cast<std::uint64_t>(limit)) rows.resize(static_cast<std::size_t>(limit));
}

std::string node_with_address(const Tables& tables, std::string_view address) {
  for (const auto [key, row] : tables.nodes.prefix(index_key({peer_part({})}))) {
    Node node = row->get();
    if (node.Address == address) return std::move(node.Node);
  }
  return {};
}

}  // namespace

QueryResult execute_for_other(const Tables& tables, const PreparedQuery& query, std::string_view datacenter,
                              std::int64_t limit, bool connect, base::Random& random,
                              const KeepReadable& keep_readable) {
  QueryResult result;
  result.service = query.Service.Service;
  result.dns = query.DNS;
  result.peer = query.Service.Peer;
  if (result.peer.empty()) result.datacenter = datacenter;
  result.rows = instances_here(tables, query.Service, connect);
  if (keep_readable) keep_readable(query, result.rows);
  shuffle(result.rows, random);
  cut(result.rows, limit);
  return result;
}

Result<std::optional<QueryExecution>> QueryExecution::start(const Tables& tables, std::string_view id_or_name,
                                                            const QueryExecuteOptions& options, base::Random& random) {
  Result<std::optional<PreparedQuery>> query = query_resolve(tables, id_or_name, options.segment);
  if (!query) return query.error();
  if (!*query) return std::optional<QueryExecution>();
  return std::optional(QueryExecution(tables, std::move(**query), options, random));
}

QueryExecution::QueryExecution(const Tables& tables, PreparedQuery query, const QueryExecuteOptions& options,
                               base::Random& random)
    : tables_(&tables),
      random_(&random),
      query_(std::move(query)),
      own_datacenter_(options.datacenter),
      limit_(options.limit),
      connect_(options.connect),
      keep_readable_(options.keep_readable) {
  result_ = execute_for_other(tables, query_, own_datacenter_, 0, connect_, random, keep_readable_);
  sort(options);
  cut(result_.rows, limit_);
  if (!result_.rows.empty()) return;
  const QueryFailoverOptions& failover = query_.Service.Failover;
  if (failover.NearestN <= 0 && failover.Datacenters.empty() && failover.Targets.empty()) return;
  plan_failover(options.other_datacenters ? options.other_datacenters() : std::vector<std::string>());
  fail_over();
}

void QueryExecution::sort(const QueryExecuteOptions& options) {
  if (options.near_is_elsewhere) return;
  std::string near(options.near.empty() ? std::string_view(query_.Service.Near) : options.near);
  if (near == "_agent") {
    near = options.node;
  } else if (near == "_ip") {
    near = options.source_ip.empty() ? std::string() : node_with_address(*tables_, options.source_ip);
  }
  if (near.empty()) return;
  Rows& rows = result_.rows;
  if (options.sort_by_distance) sort_by_distance(*tables_, near, rows, node_name);
  // Nothing is as near as the node itself, whatever the coordinates say.
  constexpr std::size_t kDepth = 10;
  if (!result_.peer.empty()) return;
  for (std::size_t i = 0; i < std::min(rows.size(), kDepth); ++i) {
    if (same_letters(node_name(rows[i]), near)) return std::swap(rows[0], rows[i]);
  }
}

void QueryExecution::plan_failover(const std::vector<std::string>& other_datacenters) {
  const QueryFailoverOptions& failover = query_.Service.Failover;
  std::set<std::string_view> chosen;
  for (const std::string& datacenter : other_datacenters) {
    if (chosen.size() >= static_cast<std::uint64_t>(std::max<base::Int>(failover.NearestN, 0))) break;
    chosen.insert(datacenter);
    targets_.push_back({.Peer = {}, .Datacenter = datacenter});
  }
  if (!failover.Datacenters.empty()) {
    // Those that nobody knows are passed over, those that are tried already are not tried twice.
    for (const std::string& datacenter : failover.Datacenters) {
      if (std::ranges::find(other_datacenters, datacenter) == other_datacenters.end()) continue;
      if (!chosen.contains(datacenter)) targets_.push_back({.Peer = {}, .Datacenter = datacenter});
    }
    return;
  }
  for (const QueryFailoverTarget& target : failover.Targets) {
    if (!target.Datacenter.empty()) {
      if (std::ranges::find(other_datacenters, target.Datacenter) == other_datacenters.end()) continue;
      if (!chosen.contains(target.Datacenter)) {
        targets_.push_back(target);
        continue;
      }
    }
    if (!target.Peer.empty()) targets_.push_back(target);
  }
}

// Tries the targets that can be tried here, up to one that needs another datacenter. What a peer exports is here.
void QueryExecution::fail_over() {
  for (; next_target_ < targets_.size(); ++next_target_) {
    const QueryFailoverTarget& target = targets_[next_target_];
    if (target.Peer.empty()) return;
    query_.Service.Peer = target.Peer;
    const std::int64_t tried = static_cast<std::int64_t>(next_target_) + 1;
    result_ = execute_for_other(*tables_, query_, own_datacenter_, limit_, connect_, *random_, keep_readable_);
    result_.failovers = tried;
    if (result_.rows.empty()) continue;
    targets_.clear();
    return;
  }
}

std::optional<PreparedQueryExecuteRemoteRequest> QueryExecution::next() const {
  if (next_target_ >= targets_.size()) return std::nullopt;
  PreparedQueryExecuteRemoteRequest request;
  request.Datacenter = targets_[next_target_].Datacenter;
  request.Query = query_;
  request.Query.Service.Peer.clear();
  request.Limit = limit_;
  request.Connect = connect_;
  return request;
}

void QueryExecution::answered(Result<PreparedQueryExecuteResponse> answer) {
  if (next_target_ >= targets_.size()) return;
  ++next_target_;
  query_.Service.Peer.clear();
  result_.rows.clear();
  result_.failovers = static_cast<std::int64_t>(next_target_);
  if (answer) {
    result_.service = std::move(answer->Service);
    result_.datacenter = std::move(answer->Datacenter);
    result_.peer = std::move(answer->PeerName);
    result_.dns = std::move(answer->DNS);
    result_.remote = std::move(answer->Nodes);
    if (!result_.remote.empty()) return targets_.clear();
  }
  fail_over();
}

}  // namespace proconsul::catalog
