#include "catalog/discovery_chain/graph.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

namespace proconsul::catalog {

using base::Errc;
using base::Result;

namespace {

std::vector<const std::string*> next_nodes(const DiscoveryGraphNode& node) {
  std::vector<const std::string*> next;
  for (const auto& route : node.Routes) next.push_back(&route->NextNode);
  for (const auto& split : node.Splits) next.push_back(&split->NextNode);
  return next;
}

using Modifiers = base::Pointer<HTTPHeaderModifiers>;

bool is_empty(const Modifiers& modifiers) {
  return !modifiers || (modifiers->Add.empty() && modifiers->Set.empty() && modifiers->Remove.empty());
}

/// As if a message met first the one, then the other.
Modifiers merged(const Modifiers& first, const Modifiers& second) {
  if (is_empty(first)) return second;
  Modifiers both = first;
  if (is_empty(second)) return both;
  for (const auto& [name, value] : second->Add) both->Add.insert_or_assign(name, value);
  for (const auto& [name, value] : second->Set) both->Set.insert_or_assign(name, value);
  const std::set<std::string> known(both->Remove.begin(), both->Remove.end());
  for (const std::string& name : second->Remove) {
    if (!known.contains(name)) both->Remove.push_back(name);
  }
  return both;
}

/// Requests meet the outer splitter first, answers the inner one.
DiscoverySplit within(const DiscoverySplit& outer, const DiscoverySplit& inner) {
  DiscoverySplit split = inner;
  split.Definition->RequestHeaders = merged(outer.Definition->RequestHeaders, inner.Definition->RequestHeaders);
  split.Definition->ResponseHeaders = merged(inner.Definition->ResponseHeaders, outer.Definition->ResponseHeaders);
  const float weight = outer.Weight * inner.Weight / 100;
  split.Weight = static_cast<float>(std::lround(static_cast<double>(weight * 100.0f))) / 100.0f;
  return split;
}

}  // namespace

// Depth first; the last edge of a node is followed first, which decides which circle is told of.
Result<> refuse_circles(const ChainGraph& graph) {
  struct Step {
    const std::string* node;
    std::vector<const std::string*> left;  // that are still to be followed
  };
  std::vector<Step> path;
  std::set<std::string_view> on_path;
  std::set<std::string_view> done;  // leads to no circle
  const auto enter = [&](const std::string& node) -> bool {
    path.push_back({&node, next_nodes(graph.nodes.at(node))});
    return on_path.insert(node).second;
  };
  enter(graph.start);
  while (!path.empty()) {
    Step& step = path.back();
    if (step.left.empty()) {
      on_path.erase(*step.node);
      done.insert(*step.node);
      path.pop_back();
      continue;
    }
    const std::string& next = *step.left.back();
    step.left.pop_back();
    if (done.contains(next) || enter(next)) continue;
    std::string circle;
    for (const Step& each : path) circle += (circle.empty() ? "" : " -> ") + *each.node;
    return {Errc::internal, "detected circular reference: [" + circle + "]"};
  }
  return {};
}

Result<> flatten_splitters(ChainGraph& graph) {
  std::size_t made = 0;
  for (const std::string& name : graph.splitters) {
    DiscoveryGraphNode& node = graph.nodes.at(name);
    base::List<base::Pointer<DiscoverySplit>> flat;
    for (auto& split : node.Splits) {
      const DiscoveryGraphNode& next = graph.nodes.at(split->NextNode);
      if (next.Type != "splitter") {
        flat.push_back(std::move(split));
        continue;
      }
      made += next.Splits.size();
      if (made > kMostFlatSplits) return {Errc::internal, "splitters lead to each other in too many ways"};
      for (const auto& inner : next.Splits) flat.emplace_back(within(*split, *inner));
    }
    node.Splits = std::move(flat);
  }
  return {};
}

void remove_unused_nodes(ChainGraph& graph) {
  std::set<std::string> used;
  std::vector<std::string> todo{graph.start};
  while (!todo.empty()) {
    const std::string name = std::move(todo.back());
    todo.pop_back();
    if (!used.insert(name).second) continue;
    for (const std::string* next : next_nodes(graph.nodes.at(name))) todo.push_back(*next);
  }
  std::erase_if(graph.nodes, [&](const auto& node) { return !used.contains(node.first); });
}

}  // namespace proconsul::catalog
