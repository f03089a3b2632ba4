#include "catalog/query/distance.h"

#include <cmath>
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
  return a && b ? distance(*a, *b) : kInfinity;
}

}  // namespace

double distance(const NetworkCoordinate& a, const NetworkCoordinate& b) {
  if (a.Vec.size() != b.Vec.size()) return kInfinity;
  double sum = 0;
  for (std::size_t i = 0; i < a.Vec.size(); ++i) sum += (a.Vec[i] - b.Vec[i]) * (a.Vec[i] - b.Vec[i]);
  double seconds = std::sqrt(sum) + a.Height + b.Height;
  if (const double adjusted = seconds + a.Adjustment + b.Adjustment; adjusted > 0) seconds = adjusted;
  return std::trunc(seconds * 1e9) / 1e9;
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
