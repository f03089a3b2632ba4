// The config entries that the configuration wants to be there (config_entries.bootstrap).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/server/server.h"
#include "base/result.h"
#include "catalog/types/config_entry.h"

namespace proconsul::agent::server {

/// Writes those of which there are none yet, as they are. For the leader of the primary datacenter; `apply` proposes
/// and waits. `connect`: connect.enabled.
base::Result<> bootstrap_config_entries(Server& server, const std::vector<catalog::ConfigEntryPtr>& entries,
                                        bool connect, const std::string& datacenter,
                                        const std::function<base::Result<>(std::string command)>& apply);

}  // namespace proconsul::agent::server
