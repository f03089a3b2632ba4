// The mesh's roots as everybody may see them.
#pragma once

#include "agent/rpc/connect_ca_types.h"
#include "base/result.h"
#include "base/watch.h"
#include "catalog/store/tables.h"

namespace proconsul::agent::rpc {

/// With their index, and without keys. Errors: "CA has not finished initializing".
base::Result<IndexedCARoots> trusted_roots(const catalog::Tables& tables, base::KeySet* watch);

}  // namespace proconsul::agent::rpc
