#include "catalog/query/checks.h"

#include "catalog/registry/lookup.h"
#include "catalog/registry/same.h"
#include "catalog/store/key.h"
#include "catalog/store/store.h"

namespace proconsul::catalog {

namespace {

ChecksAnswer start(const Tables& tables, std::string_view peer) {
  return {tables.index_of(peer_index(peer, "checks")), {}};
}

// Leaves the checks whose nodes have the metadata; a node may gain or lose it, so all are watched.
void keep_meta(const Tables& tables, ChecksAnswer& answer, const MetaFilter& meta, std::string_view peer,
               base::KeySet* watch) {
  if (meta.empty()) return;
  watch_below(watch, Topic::node, index_key({peer_part(peer)}));
  std::erase_if(answer.rows, [&](const CheckRow* row) {
    const NodeRow* node = find_node(tables, row->get().Node, peer);
    return !node || !has_meta(node_meta(*node), meta);
  });
}

}  // namespace

ChecksAnswer checks_of_node(const Tables& tables, std::string_view node, std::string_view peer, base::KeySet* watch) {
  ChecksAnswer answer = start(tables, peer);
  const std::string prefix = index_key({peer_part(peer), node});
  watch_below(watch, Topic::check, prefix);
  for (const auto [key, row] : tables.checks.prefix(prefix)) answer.rows.push_back(row);
  return answer;
}

ChecksAnswer checks_of_service(const Tables& tables, std::string_view service, const MetaFilter& meta,
                               std::string_view peer, base::KeySet* watch) {
  ChecksAnswer answer = start(tables, peer);
  if (!meta.empty()) {  // then the service's own index, if it has one
    const std::string own = lower_case(service_index(peer, service));
    answer.index =
        tables.indexes.contains(own)
            ? tables.indexes.get(own)
            : tables.index_of({peer_index(peer, "checks"), peer_index(peer, "services"), peer_index(peer, "nodes")});
  }
  const std::string prefix = index_key({peer_part(peer), service});
  watch_below(watch, Topic::service_check, prefix);
  for (const auto [key, row] : tables.checks_by_service.prefix(prefix)) answer.rows.push_back(row);
  keep_meta(tables, answer, meta, peer, watch);
  return answer;
}

ChecksAnswer checks_in_state(const Tables& tables, std::string_view state, const MetaFilter& meta,
                             std::string_view peer, base::KeySet* watch) {
  ChecksAnswer answer = start(tables, peer);
  const std::string all = index_key({peer_part(peer)});
  const std::string prefix = index_key({peer_part(peer), state});
  if (state == "any") {
    watch_below(watch, Topic::check, all);
    for (const auto [key, row] : tables.checks.prefix(all)) answer.rows.push_back(row);
  } else if (same_letters(state, kHealthPassing)) {  // most checks pass: they have no index of their own
    watch_below(watch, Topic::check_status, prefix);
    for (const auto [key, row] : tables.checks.prefix(all)) {
      if (same_letters(check_status(*row), kHealthPassing)) answer.rows.push_back(row);
    }
  } else {
    watch_below(watch, Topic::check_status, prefix);
    for (const auto [key, row] : tables.checks_by_status.prefix(prefix)) answer.rows.push_back(row);
  }
  keep_meta(tables, answer, meta, peer, watch);
  return answer;
}

}  // namespace proconsul::catalog
