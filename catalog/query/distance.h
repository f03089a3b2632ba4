// Sorting answers by round-trip time from a node (?near=), as network coordinates estimate it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/store/tables.h"
#include "catalog/types/coordinate.h"

namespace proconsul::catalog {

/// Seconds, in whole nanoseconds; infinite if the two have not the same dimensions.
double seconds_between(const NetworkCoordinate& a, const NetworkCoordinate& b);

/// Seconds from one node to each of the others; infinite where a coordinate is missing. Empty if the node itself has
/// none: then nothing is to be sorted.
std::vector<double> distances(const Tables& tables, std::string_view from, const std::vector<std::string>& nodes);

/// Nearest first; what is equally far keeps its order. `node_of` names the node of an element.
template <class T, class NodeOf>
void sort_by_distance(const Tables& tables, std::string_view from, std::vector<T>& rows, NodeOf node_of) {
  std::vector<std::string> nodes;
  for (const T& row : rows) nodes.push_back(node_of(row));
  const std::vector<double> far = distances(tables, from, nodes);
  if (far.empty()) return;
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return far[a] != far[b] ? far[a] < far[b] : a < b; });
  std::vector<T> sorted;
  for (const std::size_t i : order) sorted.push_back(std::move(rows[i]));
  rows = std::move(sorted);
}

}  // namespace proconsul::catalog
