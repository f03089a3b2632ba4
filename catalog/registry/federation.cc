#include "catalog/registry/federation.h"

#include <optional>
#include <string>
#include <utility>

#include "catalog/store/key.h"

namespace proconsul::catalog {

using base::Errc;
using base::Result;

namespace {
constexpr std::string_view kFederationStates = "federation-states";
}

Result<std::optional<bool>> apply_federation_state(Transaction& tx, FederationStateRequest request) {
  if (request.Op != "upsert" && request.Op != "delete") {
    return {Errc::internal, "invalid federation state operation type: " + request.Op};
  }
  if (!request.State) return {Errc::internal, "missing datacenter on federation state"};
  FederationState state = std::move(*request.State);
  const std::string key = index_key({state.Datacenter});
  Table<FederationState>& states = tx.tables().federation_states;
  if (request.Op == "delete") {
    if (states.erase(key)) tx.set_index(kFederationStates);
    return std::optional<bool>{};
  }
  if (state.Datacenter.empty()) return {Errc::internal, "missing datacenter on federation state"};
  const FederationState* old = states.get(key);
  state.CreateIndex = old ? old->CreateIndex : tx.index();
  state.ModifyIndex = tx.index();
  // Replication brings the primary's; what has none is written in the primary.
  if (state.PrimaryModifyIndex == 0) state.PrimaryModifyIndex = tx.index();
  states.insert(key, base::make_row(std::move(state)));
  tx.set_index(kFederationStates);
  return std::optional(true);
}

void restore_federation_state(Transaction& tx, FederationState state) {
  tx.raise_index(kFederationStates, state.ModifyIndex);
  const std::string key = index_key({state.Datacenter});
  tx.tables().federation_states.insert(key, base::make_row(std::move(state)));
}

}  // namespace proconsul::catalog
