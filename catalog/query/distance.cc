#include "catalog/query/distance.h"

#include <limits>

#include "catalog/registry/coordinates.h"

namespace proconsul::catalog {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
using Rows = std::vector<const base::Row<Coordinate>*>;

const NetworkCoordinate* in_segment(const Rows& rows, std::string_view segment) {
  for (const auto* row : rows) {
    if (row->Segment == segment) return row->Coord.get();
  }
  return nullptr;
}

double between(const Rows& from, const Rows& to) {
  // Servers are in every segment, clients in one: a client's segment decides.
  std::string_view segment;
  if (from.size() == 1) segment = from[0]->Segment;
  if (to.size() == 1) segment = to[0]->Segment;
  const NetworkCoordinate* a = in_segment(from, segment);
  const NetworkCoordinate* b = in_segment(to, segment);
  return a && b ? seconds_between(*a, *b) : kInfinity;
}

}  // namespace

double seconds_between(const NetworkCoordinate& a, const NetworkCoordinate& b) {
  if (!a.is_compatible_with(b)) return kInfinity;
  return static_cast<double>(gossip::serf::distance(a, b).nanoseconds) / 1e9;
}

std::vector<double> distances(const Tables& tables, std::string_view from, const std::vector<std::string>& nodes) {
  const Rows origin = coordinates_of_node(tables, from, nullptr).rows;
  std::vector<double> seconds;
  if (origin.empty()) return seconds;
  for (const std::string& node : nodes)
    seconds.push_back(between(origin, coordinates_of_node(tables, node, nullptr).rows));
  return seconds;
}

}  // namespace proconsul::catalog
