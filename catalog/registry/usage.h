// How many nodes, services and instances there are, kept while they change: for telemetry and GET /v1/operator/usage.
// What was imported from peers does not count.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/watch.h"
#include "catalog/registry/rows.h"
#include "catalog/store/store.h"
#include "catalog/types/system.h"

namespace proconsul::catalog {

inline constexpr std::string_view kUsageNodes = "nodes";
inline constexpr std::string_view kUsageServices = "services";           // instances
inline constexpr std::string_view kUsageServiceNames = "service-names";  // distinct names

/// `delta` may be 0: something changed without a change of number. Counts stop at 0.
void count_usage(Transaction& tx, std::string_view what, int delta);
/// An instance came, went or changed; null for what there is not. Names are not counted here.
void count_instance(Transaction& tx, const NodeService* before, const NodeService* after);

struct UsageAnswer {
  std::uint64_t index{};
  ServiceUsage usage{};
};
UsageAnswer service_usage(const Tables& tables, base::KeySet* watch);

}  // namespace proconsul::catalog
