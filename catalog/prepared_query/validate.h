// What a prepared query must look like before it may enter the log; Consul checks this at the leader, not when the
// command is applied.
#pragma once

#include "base/random.h"
#include "base/result.h"
#include "catalog/store/tables.h"
#include "catalog/types/prepared_query.h"

namespace proconsul::catalog {

/// Checks the request and gives a new query its ID. Errors have Consul's texts (and its status 500).
base::Result<> prepare(PreparedQueryRequest& request, const Tables& tables, base::Random& random);

}  // namespace proconsul::catalog
