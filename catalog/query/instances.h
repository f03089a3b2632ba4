// Service instances by name: what /v1/health/service and /v1/catalog/service and their kin answer.
//
// A query gives rows and the index of the answer, and adds what it depends on to `watch` (null: nobody waits). Rows
// live as long as the tables do. What a row means together with its node and its checks is asked afterwards, so that a
// filter pays only for what it looks at.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/watch.h"
#include "catalog/registry/instance_row.h"
#include "catalog/store/tables.h"
#include "catalog/types/service.h"

namespace proconsul::catalog {

/// Node metadata that must all be there.
using MetaFilter = std::vector<std::pair<std::string, std::string>>;

struct InstancesAnswer {
  std::uint64_t index{};
  std::vector<const InstanceRow*> rows{};
};

struct InstancesQuery {
  std::string_view service{};
  std::string_view peer{};
  bool connect = false;                    // proxies for the service, its native instances, terminating gateways
  const std::vector<std::string>* tags{};  // null: any; else all of these, in any letter case. Not for connect.
};
/// With the checks' changes among what is watched, and in the index: /v1/health/service, /v1/health/connect.
InstancesAnswer health_instances(const Tables& tables, const InstancesQuery& query, base::KeySet* watch);
/// Ingress gateways that lead to the service.
InstancesAnswer health_ingress(const Tables& tables, std::string_view service, base::KeySet* watch);
/// Without the checks: /v1/catalog/service, /v1/catalog/connect.
InstancesAnswer catalog_instances(const Tables& tables, const InstancesQuery& query, base::KeySet* watch);
/// All instances of one kind (kKindTypical too) with their checks, for dumps: index and watch are the kind's.
InstancesAnswer instances_of_kind(const Tables& tables, std::string_view kind, std::string_view peer,
                                  base::KeySet* watch);
/// All instances of all services, by node.
InstancesAnswer all_instances(const Tables& tables, std::string_view peer, base::KeySet* watch);

// ---- what a row means ----

/// What of a joined row is wanted; the rest stays null.
struct Parts {
  bool node = true, service = true, checks = true;
};
CheckServiceNode check_service_node(const Tables& tables, const InstanceRow& row, Parts parts = {});
ServiceNode service_node(const Tables& tables, const InstanceRow& row);
/// Never unknown.
InstanceRow::Health health(const Tables& tables, const InstanceRow& row);
/// As if these checks did not exist (letter case matters).
InstanceRow::Health health_without(const Tables& tables, const InstanceRow& row,
                                   const std::vector<std::string>& ignored_checks);
bool has_tags(const InstanceRow& row, const std::vector<std::string>& tags);
bool has_tags(const std::vector<std::string>& own, const std::vector<std::string>& tags);
bool node_has_meta(const Tables& tables, const InstanceRow& row, const MetaFilter& filter);
bool has_meta(const base::Map<std::string>& meta, const MetaFilter& filter);

/// The encoded row as HTTP shows it (lists are never null). Kept with the row if there is room, and then as long as the
/// row; else it is put into `scratch`.
std::string_view health_json(const Tables& tables, const InstanceRow& row, std::string& scratch);
std::string_view catalog_json(const Tables& tables, const InstanceRow& row, std::string& scratch);

/// HTTP's shape of single objects: a list that is nil becomes an empty one.
void show_lists(HealthCheck& check);
void show_lists(NodeService& service);
void show_lists(ServiceNode& service);
void show_lists(CheckServiceNode& instance);

enum class HealthFilter : std::uint8_t { all, not_critical, only_passing };
/// Keeps what the filter lets through. What is dropped is replaced by the last of the rest: that is the order in which
/// clients have always seen the answer.
void filter_by_health(const Tables& tables, std::vector<const InstanceRow*>& rows, HealthFilter filter);

}  // namespace proconsul::catalog
