// The way to this agent's own HTTP API, for what in the process is a client of it.
#pragma once

#include <optional>

#include "agent/cli/api_client.h"
#include "agent/config/config.h"

namespace proconsul::agent {

/// Over TLS if it listens so. Nothing where it listens nowhere.
std::optional<cli::ApiConfig> own_api(const config::Config& config);

}  // namespace proconsul::agent
