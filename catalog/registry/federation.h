// Federation states: what commands do to them.
#pragma once

#include "base/result.h"
#include "catalog/store/store.h"
#include "catalog/types/federation_state.h"

namespace proconsul::catalog {

/// True for an upsert, nothing for a delete.
base::Result<std::optional<bool>> apply_federation_state(Transaction& tx, FederationStateRequest request);
void restore_federation_state(Transaction& tx, FederationState state);

}  // namespace proconsul::catalog
