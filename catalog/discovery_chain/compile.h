// Makes a discovery chain of the entries: what a request to a service may meet on its way to the instances that answer.
// Pure, without recursion, and bounded by what the entries name.
#pragma once

#include <string>

#include "base/result.h"
#include "base/time.h"
#include "base/watch.h"
#include "catalog/config_entry/chain.h"
#include "catalog/types/discovery_chain.h"

namespace proconsul::catalog {

struct ChainRequest {
  std::string service{};
  std::string datacenter{};    // where the chain is looked at
  std::string trust_domain{};  // of its names
  // What counts instead of the entries; empty or 0: nothing.
  MeshGatewayConfig mesh_gateway{};
  std::string protocol{};
  base::Duration connect_timeout{};
  bool flat = true;  // splitters that lead to splitters are made one; only proxies need that
};

struct CompiledChain {
  CompiledDiscoveryChain chain{};  // without virtual addresses
  bool has_entries = false;        // some entry had a say
};

/// An error names what is wrong with the chain: services of different protocols, a circle, a missing subset.
base::Result<CompiledChain> compile_chain(const ProposedEntries& entries, const ChainRequest& request,
                                          base::KeySet* watch = nullptr);

}  // namespace proconsul::catalog
