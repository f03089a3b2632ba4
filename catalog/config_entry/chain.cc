#include "catalog/config_entry/chain.h"

#include <set>
#include <utility>

#include "catalog/config_entry/entries.h"
#include "catalog/discovery_chain/compile.h"
#include "catalog/store/key.h"

namespace proconsul::catalog {

using base::Result;

namespace {

constexpr std::string_view kHere = "dc1";  // the store does not know its datacenter; any name serves

/// Who a proxy expects to answer: the same for all subsets.
std::string identity_of(const DiscoveryTarget& target) {
  return target.Service + '\0' + (target.Peer.empty() ? target.Datacenter : "peer:" + target.Peer);
}

}  // namespace

const ConfigEntry* ProposedEntries::find(std::string_view wanted_kind, std::string_view wanted_name) const {
  if (wanted_kind == kind && lower_case(wanted_name) == lower_case(name)) return entry;
  return find_config_entry(tables, wanted_kind, wanted_name);
}

Result<ChainSummary> summarize_chain(const ProposedEntries& entries, const std::string& service) {
  const ChainRequest request{.service = service, .datacenter = std::string(kHere), .flat = false};
  Result<CompiledChain> compiled = compile_chain(entries, request);
  if (!compiled) return compiled.error();
  CompiledDiscoveryChain& chain = compiled->chain;
  ChainSummary summary{.protocol = std::move(chain.Protocol)};
  summary.top = chain.StartNode.starts_with("router:")     ? ChainSummary::Top::router
                : chain.StartNode.starts_with("splitter:") ? ChainSummary::Top::splitter
                                                           : ChainSummary::Top::resolver;
  std::set<std::string> failovers;
  for (const auto& [key, node] : chain.Nodes) {
    if (!node->Resolver || !node->Resolver->Failover) continue;
    failovers.insert(node->Resolver->Failover->Targets.begin(), node->Resolver->Failover->Targets.end());
  }
  for (const auto& [id, target] : chain.Targets) {
    if (!failovers.contains(id)) summary.targets.emplace(identity_of(*target), id);
  }
  return summary;
}

}  // namespace proconsul::catalog
