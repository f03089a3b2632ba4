// How long calls may take: performance.rpc_hold_timeout and the limits of queries that wait.
#pragma once

#include <algorithm>

#include "base/time.h"
#include "catalog/types/common.h"

namespace proconsul::agent::rpc {

struct CallTimes {
  base::Duration rpc_hold_timeout = base::seconds(7);  // to find a leader
  base::Duration max_query_time = base::seconds(600);
  base::Duration default_query_time = base::seconds(300);

  /// How long a query that waits for a change may take.
  base::Duration wait_of(const catalog::QueryOptions& query) const {
    if (query.MaxQueryTime.nanoseconds <= 0) return default_query_time;
    return std::min(query.MaxQueryTime, max_query_time);
  }
};

}  // namespace proconsul::agent::rpc
