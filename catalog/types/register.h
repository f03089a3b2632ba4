// The catalog's two commands.
#pragma once

#include <string>

#include "base/type.h"
#include "catalog/types/common.h"
#include "catalog/types/health.h"
#include "catalog/types/service.h"

namespace proconsul::catalog {

/// Command 0, and the snapshot record of nodes, services and checks: a node, and optionally a service and checks on it.
/// CreateIndex and ModifyIndex are the node's, in snapshots only.
struct RegisterRequest : WriteRequest, RaftIndex {
  std::string Datacenter{};
  std::string ID{};
  std::string Node{};
  std::string Address{};
  base::Map<std::string> TaggedAddresses{};
  base::Map<std::string> NodeMeta{};
  base::Pointer<NodeService> Service{};
  base::Pointer<HealthCheck> Check{};
  base::List<base::Pointer<HealthCheck>> Checks{};
  base::Pointer<catalog::Locality> Locality{};
  bool SkipNodeUpdate{};  // the node is written only when it does not exist yet
  std::string PeerName{};
};
PROCONSUL_DECLARE_TYPE(RegisterRequest)

/// Command 1: removes the service if ServiceID is set, else the check if CheckID is set, else the whole node.
struct DeregisterRequest : WriteRequest {
  std::string Datacenter{};
  std::string Node{};
  std::string ServiceID{};
  std::string CheckID{};
  std::string PeerName{};
};
PROCONSUL_DECLARE_TYPE(DeregisterRequest)

}  // namespace proconsul::catalog
