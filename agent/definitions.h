// The services and checks that the configuration defines.
#pragma once

#include <string>

#include "agent/config/config.h"
#include "agent/local/local_agent.h"
#include "base/result.h"

namespace proconsul::agent {

/// The error names the service whose sidecar makes no sense. Errc::invalid_argument.
base::Result<local::Configured> configured(const config::Config& config, const std::string& node_id);

}  // namespace proconsul::agent
