// The rows of each family of methods, and what their handlers have in common.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "agent/rpc/method.h"
#include "agent/rpc/types.h"
#include "base/filter/filter.h"
#include "catalog/query/distance.h"
#include "catalog/query/instances.h"
#include "catalog/store/store.h"

namespace proconsul::agent::rpc {

std::span<const Method> status_methods();
std::span<const Method> kv_methods();
std::span<const Method> catalog_methods();
std::span<const Method> health_methods();
std::span<const Method> session_methods();
std::span<const Method> txn_methods();
std::span<const Method> coordinate_methods();
std::span<const Method> query_methods();
std::span<const Method> internal_methods();
std::span<const Method> keyring_methods();
std::span<const Method> operator_methods();
std::span<const Method> acl_token_methods();
std::span<const Method> acl_policy_methods();
std::span<const Method> acl_login_methods();
std::span<const Method> config_entry_methods();
std::span<const Method> intention_methods();
std::span<const Method> virtual_ip_methods();
std::span<const Method> gateway_methods();
std::span<const Method> topology_methods();
std::span<const Method> connect_ca_methods();
std::span<const Method> auto_encrypt_methods();

inline catalog::MetaFilter meta_filter(const base::Map<std::string>& wanted) {
  return {wanted.begin(), wanted.end()};
}

/// Drops the rows that the expression does not match, as `shown` shows them.
template <class Shown, class Row, class Show>
base::Result<> keep_matching(std::vector<const Row*>& rows, const std::string& expression, Show show) {
  base::Result<base::filter::Filter> filter = base::filter::Filter::create<Shown>(expression);
  if (!filter) return filter.error();
  if (filter->matches_everything()) return {};
  std::erase_if(rows, [&](const Row* row) { return !filter->matches(show(*row)); });
  return {};
}

/// Nearest first, as seen from the node of the request; as it is when it names none.
template <class Row, class NodeOf>
void sort_near(const catalog::Tables& tables, const QuerySource& source, std::vector<const Row*>& rows,
               NodeOf node_of) {
  if (source.Node.empty()) return;
  catalog::sort_by_distance(tables, source.Node, rows, [&](const Row* row) { return node_of(*row); });
}

}  // namespace proconsul::agent::rpc
