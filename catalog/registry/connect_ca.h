// The state of the mesh's certificate authority: what commands do to it.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/watch.h"
#include "catalog/store/store.h"
#include "catalog/types/connect_ca.h"

namespace proconsul::catalog {

/// Nothing, whether it took effect, or the new serial number.
using CAApplied = std::variant<std::monostate, bool, std::uint64_t>;

/// Roots are replaced all at once, and only if `Index` is theirs; where it is not, Consul's answer is still true.
base::Result<CAApplied> apply_connect_ca(Transaction& tx, CARequest request);

/// Null until it was set for the first time.
const CAConfiguration* ca_configuration(const Tables& tables);
const CAConsulProviderState* ca_provider_state(const Tables& tables, std::string_view id);
/// Null: there is none yet.
const CARoot* active_ca_root(const Tables& tables);

struct CARootsAnswer {
  std::uint64_t index{};        // of the roots and the configuration
  std::uint64_t roots_index{};  // of the roots alone, which a change of them must name
  std::vector<const CARoot*> roots{};
  const CAConfiguration* configuration{};
};
CARootsAnswer ca_roots(const Tables& tables, base::KeySet* watch);

void restore_ca_root(Transaction& tx, CARoot root);
void restore_ca_config(Transaction& tx, CAConfiguration config);
void restore_ca_provider_state(Transaction& tx, CAConsulProviderState state);

}  // namespace proconsul::catalog
