// The discovery chain of a service, as proxies of this cluster follow it.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "base/watch.h"
#include "catalog/discovery_chain/compile.h"
#include "catalog/store/tables.h"

namespace proconsul::catalog {

struct ChainAnswer {
  std::uint64_t index{};
  CompiledDiscoveryChain chain{};
};
/// The trust domain of the request is filled in here. An error: the mesh has no CA yet, or what is wrong with the
/// chain.
base::Result<ChainAnswer> discovery_chain(const Tables& tables, ChainRequest request, base::KeySet* watch);

}  // namespace proconsul::catalog
