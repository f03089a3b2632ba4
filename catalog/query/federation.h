// Federation states, and what goes into this datacenter's own. See instances.h for what answers have in common.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/watch.h"
#include "catalog/store/tables.h"
#include "catalog/types/federation_state.h"

namespace proconsul::catalog {

struct FederationStatesAnswer {
  std::uint64_t index{};
  std::vector<const FederationState*> rows{};  // by datacenter
};
FederationStatesAnswer federation_states(const Tables& tables, base::KeySet* watch);

struct FederationStateAnswer {
  std::uint64_t index{};  // of all of them
  const FederationState* row = nullptr;
};
/// Whoever waits is woken by every state that changes, not by this one alone.
FederationStateAnswer federation_state(const Tables& tables, std::string_view datacenter, base::KeySet* watch);

/// The state of this datacenter as it is to be: all its mesh gateways with their nodes and checks, in the form in which
/// they come back from the log.
FederationState current_federation_state(const Tables& tables, std::string_view datacenter, base::KeySet* watch);
/// Whether both say the same of the same gateways; times and raft indexes do not count.
bool same_federation_state(const FederationState& a, const FederationState& b);

}  // namespace proconsul::catalog
