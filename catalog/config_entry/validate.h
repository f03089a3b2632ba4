// What may not be written, before it enters the log; the texts are those that users of the API see.
#pragma once

#include "base/result.h"
#include "catalog/types/config_entry.h"

namespace proconsul::catalog {

struct ServiceIntentionsConfigEntry;  // types/config_intentions.h

/// Fills in what may be left out, brings words into one spelling, and sets the hash. An error: a name that the kind
/// does not have. Deterministic.
base::Result<> normalize_config_entry(ConfigEntry& entry);
/// Of a normalized entry: Errc::internal with what is wrong in it. What it has to do with others is left to the store
/// (graph.h).
base::Result<> validate_config_entry(const ConfigEntry& entry);

// The same of an entry whose sources have IDs: who edits one by one keeps them, who writes the entry takes them out.
base::Result<> normalize_intentions_with_ids(ServiceIntentionsConfigEntry& entry);
base::Result<> validate_intentions_with_ids(const ServiceIntentionsConfigEntry& entry);

}  // namespace proconsul::catalog
