// How healthy everything in the catalog is, by kind: the first page of the user interface.
#pragma once

#include <string>

#include "base/type.h"
#include "catalog/store/tables.h"

namespace proconsul::catalog {

struct HealthSummary {
  std::string Name{};  // of a service or check; empty for the nodes
  base::Int Total{};
  base::Int Passing{};
  base::Int Warning{};
  base::Int Critical{};
};
PROCONSUL_DECLARE_TYPE(HealthSummary)

/// Each list is sorted by name; instances and nodes count as their worst check.
struct CatalogSummary {
  base::List<HealthSummary> Nodes{};
  base::List<HealthSummary> Services{};
  base::List<HealthSummary> Checks{};
};
PROCONSUL_DECLARE_TYPE(CatalogSummary)

/// Walks the whole catalog.
CatalogSummary catalog_overview(const Tables& tables);

}  // namespace proconsul::catalog
