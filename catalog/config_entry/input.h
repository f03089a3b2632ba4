// An entry as operators write it: JSON or HCL, loosely typed and spelled.
#pragma once

#include <memory>

#include "base/result.h"
#include "base/value.h"
#include "catalog/types/config_entry.h"

namespace proconsul::catalog {

/// Errc::invalid_argument: no kind, an unknown one, a value of the wrong type, a key that the kind does not have. Not
/// normalized yet.
base::Result<std::shared_ptr<ConfigEntry>> decode_config_entry(const base::Value::MapType& raw);

/// A null within a list of a proxy's free configuration, which the peer does not survive, is an error.
base::Result<> check_free_values(const ConfigEntry& entry);

}  // namespace proconsul::catalog
