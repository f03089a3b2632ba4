// What servers agree on about themselves: autopilot's configuration and system metadata.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "base/watch.h"
#include "catalog/store/store.h"
#include "catalog/types/system.h"

namespace proconsul::catalog {

/// Command 9: with CAS whether it was set, else nothing.
std::optional<bool> apply_autopilot(Transaction& tx, AutopilotSetConfigRequest request);
void restore_autopilot(Transaction& tx, const AutopilotConfig& config);
/// Null until it was set for the first time. Its ModifyIndex is the query's index.
const AutopilotConfig* autopilot_config(const Tables& tables, base::KeySet* watch);

/// Command 31: true after an upsert, nothing after a delete.
base::Result<std::optional<bool>> apply_system_metadata(Transaction& tx, SystemMetadataRequest request);
void restore_system_metadata(Transaction& tx, const SystemMetadataEntry& entry);
/// Empty if the key is not set.
std::string_view system_metadata(const Tables& tables, std::string_view key);

}  // namespace proconsul::catalog
