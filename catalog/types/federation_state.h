// What datacenters know of each other's mesh gateways.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "base/type.h"
#include "catalog/types/common.h"
#include "catalog/types/service.h"

namespace proconsul::catalog {

/// One for each datacenter.
struct FederationState : RaftIndex {
  std::string Datacenter{};
  base::List<CheckServiceNode> MeshGateways{};
  base::Time UpdatedAt{};
  std::uint64_t PrimaryModifyIndex{};  // of this record in the primary datacenter
};
PROCONSUL_DECLARE_TYPE(FederationState)

/// Command 30, and with Op upsert the snapshot record. Op: upsert, delete.
struct FederationStateRequest : WriteRequest {
  std::string Datacenter{};
  std::string Op{};
  base::Pointer<FederationState> State{};
};
PROCONSUL_DECLARE_TYPE(FederationStateRequest)

}  // namespace proconsul::catalog
