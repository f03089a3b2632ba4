// Entries depend on each other: what must hold of all of them before one is written or deleted.
#pragma once

#include <string>

#include "base/result.h"
#include "catalog/config_entry/kinds.h"
#include "catalog/store/tables.h"

namespace proconsul::catalog {

/// `entry` is what shall be written under this name; null: deleted. Errc::internal with the text for whoever asked.
base::Result<> check_config_graph(const Tables& tables, const ConfigKind& kind, const std::string& name,
                                  const ConfigEntry* entry);

}  // namespace proconsul::catalog
