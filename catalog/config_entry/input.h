// An entry as operators write it: JSON or HCL, loosely typed and spelled.
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "base/value.h"
#include "catalog/types/config_entry.h"

namespace proconsul::catalog {

/// Clients know no hash, which servers give and pass over when they are told one.
enum class EntryFrom : std::uint8_t { request, client };
/// Errc::invalid_argument: no kind, an unknown one, a value of the wrong type, a key that the kind does not have. Not
/// normalized yet.
base::Result<std::shared_ptr<ConfigEntry>> decode_config_entry(const base::Value::MapType& raw,
                                                               EntryFrom from = EntryFrom::request);

/// The same normalized, and with nothing wrong by itself.
base::Result<std::shared_ptr<ConfigEntry>> valid_config_entry(const base::Value::MapType& raw);

/// A null within a list of a proxy's free configuration, which the peer does not survive, is an error.
base::Result<> check_free_values(const ConfigEntry& entry);

}  // namespace proconsul::catalog
