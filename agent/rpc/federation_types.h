// Requests and replies of the FederationState methods that are no replicated commands. Field lists: wire_schema.json of
// the wire reference.
#pragma once

#include <string>

#include "base/type.h"
#include "catalog/types/common.h"
#include "catalog/types/federation_state.h"
#include "catalog/types/service.h"

namespace proconsul::agent::rpc {

struct FederationStateQuery : catalog::QueryOptions {
  std::string Datacenter{};        // whose state is asked for
  std::string TargetDatacenter{};  // where it is answered; empty: here
};
PROCONSUL_DECLARE_TYPE(FederationStateQuery)

struct FederationStateResponse : catalog::QueryMeta {
  base::Pointer<catalog::FederationState> State{};
};
PROCONSUL_DECLARE_TYPE(FederationStateResponse)

struct IndexedFederationStates : catalog::QueryMeta {
  base::List<base::Pointer<catalog::FederationState>> States{};
};
PROCONSUL_DECLARE_TYPE(IndexedFederationStates)

/// By datacenter.
struct DatacenterIndexedCheckServiceNodes : catalog::QueryMeta {
  base::Map<base::List<catalog::CheckServiceNode>> DatacenterNodes{};
};
PROCONSUL_DECLARE_TYPE(DatacenterIndexedCheckServiceNodes)

}  // namespace proconsul::agent::rpc
