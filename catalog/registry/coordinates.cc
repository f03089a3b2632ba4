#include "catalog/registry/coordinates.h"

#include "catalog/registry/lookup.h"
#include "catalog/store/key.h"

namespace proconsul::catalog {

namespace {

constexpr std::string_view kCoordinates = "coordinates";

void put(Transaction& tx, const Coordinate& update) {
  Coordinate coordinate = update;
  coordinate.Partition.clear();
  const std::string key = index_key({coordinate.Node, coordinate.Segment});
  tx.tables().coordinates.insert(key, base::make_row(std::move(coordinate)));
  tx.touch(Topic::coordinate, key);
  tx.raise_index(kCoordinates, tx.index());
}

}  // namespace

void apply_coordinates(Transaction& tx, const Coordinates& updates) {
  for (const auto& update : updates) {
    if (!update || !update->Coord || !update->Coord->is_valid()) continue;
    if (find_node(tx.tables(), update->Node)) put(tx, *update);
  }
}

void restore_coordinates(Transaction& tx, const Coordinates& updates) {
  for (const auto& update : updates) {
    if (update && !update->Node.empty() && update->Coord && update->Coord->is_valid()) put(tx, *update);
  }
}

CoordinatesAnswer list_coordinates(const Tables& tables, base::KeySet* watch) {
  watch_below(watch, Topic::coordinate, {});
  CoordinatesAnswer answer{tables.index_of(kCoordinates), {}};
  answer.rows.reserve(tables.coordinates.size());
  for (const auto [key, row] : tables.coordinates.all()) answer.rows.push_back(row);
  return answer;
}

CoordinatesAnswer coordinates_of_node(const Tables& tables, std::string_view node, base::KeySet* watch) {
  const std::string prefix = index_key({node});
  watch_below(watch, Topic::coordinate, prefix);
  CoordinatesAnswer answer{tables.index_of(kCoordinates), {}};
  for (const auto [key, row] : tables.coordinates.prefix(prefix)) answer.rows.push_back(row);
  return answer;
}

}  // namespace proconsul::catalog
