// The state of the mesh's certificate authority: what commands do to it.
#pragma once

#include <cstdint>
#include <variant>

#include "base/result.h"
#include "catalog/store/store.h"
#include "catalog/types/connect_ca.h"

namespace proconsul::catalog {

/// Nothing, whether it took effect, or the new serial number.
using CAApplied = std::variant<std::monostate, bool, std::uint64_t>;

/// Roots are replaced all at once, and only if `Index` is theirs; where it is not, Consul's answer is still true.
base::Result<CAApplied> apply_connect_ca(Transaction& tx, CARequest request);

void restore_ca_root(Transaction& tx, CARoot root);
void restore_ca_config(Transaction& tx, CAConfiguration config);
void restore_ca_provider_state(Transaction& tx, CAConsulProviderState state);

}  // namespace proconsul::catalog
