// Health checks: the queries behind /v1/health/node, /v1/health/checks and /v1/health/state. See instances.h for what
// answers have in common.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/watch.h"
#include "catalog/query/instances.h"
#include "catalog/registry/rows.h"
#include "catalog/store/tables.h"

namespace proconsul::catalog {

struct ChecksAnswer {
  std::uint64_t index{};
  std::vector<const CheckRow*> rows{};
};
ChecksAnswer checks_of_node(const Tables& tables, std::string_view node, std::string_view peer, base::KeySet* watch);
/// By the service's name.
ChecksAnswer checks_of_service(const Tables& tables, std::string_view service, const MetaFilter& meta,
                               std::string_view peer, base::KeySet* watch);
/// "any" for all.
ChecksAnswer checks_in_state(const Tables& tables, std::string_view state, const MetaFilter& meta,
                             std::string_view peer, base::KeySet* watch);

}  // namespace proconsul::catalog
