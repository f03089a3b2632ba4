// Network coordinates of nodes: the table, its command and its queries.
#pragma once

#include <string_view>
#include <vector>

#include "base/watch.h"
#include "catalog/store/store.h"
#include "catalog/types/coordinate.h"

namespace proconsul::catalog {

/// Command 6. Coordinates of unknown nodes and unusable ones are passed over: they come again.
void apply_coordinates(Transaction& tx, const Coordinates& updates);
/// A snapshot's record.
void restore_coordinates(Transaction& tx, const Coordinates& updates);

struct CoordinatesAnswer {
  std::uint64_t index{};
  std::vector<const base::Row<Coordinate>*> rows{};  // by node and segment; live as long as the tables
};
CoordinatesAnswer list_coordinates(const Tables& tables, base::KeySet* watch);
CoordinatesAnswer coordinates_of_node(const Tables& tables, std::string_view node, base::KeySet* watch);

}  // namespace proconsul::catalog
