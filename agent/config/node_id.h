// The ID of this node, which must outlive the process.
#pragma once

#include <string>

#include "agent/config/config.h"
#include "base/random.h"
#include "base/result.h"

namespace proconsul::agent::config {

/// The configured ID, else the one in DATA_DIR/node-id, else a new one, which is written there (not with -dev).
base::Result<std::string> settle_node_id(const Config& config, base::Random& random);

}  // namespace proconsul::agent::config
