// The graph of a discovery chain once its nodes are known: whether it is one, and its simplest form.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/types/discovery_chain.h"

namespace proconsul::catalog {

struct ChainGraph {
  std::string start{};
  std::map<std::string, DiscoveryGraphNode> nodes{};  // "splitter:web.default.default"
  std::vector<std::string> splitters{};               // those they lead to come first
};

/// More splits than this are not made of the splitters that lead to each other: each level multiplies them.
inline constexpr std::size_t kMostFlatSplits = 65536;

/// "detected circular reference: [a -> b -> a]".
base::Result<> refuse_circles(const ChainGraph& graph);
/// Splitters that lead to splitters get their splits. For a graph without circles. An error: too many.
base::Result<> flatten_splitters(ChainGraph& graph);
/// Takes out what the start does not lead to.
void remove_unused_nodes(ChainGraph& graph);

}  // namespace proconsul::catalog
