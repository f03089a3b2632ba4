// Nodes: the machines (or external things) of the catalog.
#pragma once

#include <string>

#include "base/type.h"
#include "catalog/types/common.h"

namespace proconsul::catalog {

struct Node : RaftIndex {
  std::string ID{};  // UUID text; may be empty for external nodes
  std::string Node{};
  std::string Address{};
  std::string Datacenter{};
  std::string Partition{};  // always empty here; kept because peers may send it
  std::string PeerName{};   // imported from this peer; empty: local
  base::Map<std::string> TaggedAddresses{};
  base::Map<std::string> Meta{};
  base::Pointer<catalog::Locality> Locality{};
};
PROCONSUL_DECLARE_TYPE(Node)

}  // namespace proconsul::catalog
