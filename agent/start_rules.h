// What an agent refuses at its start though the configuration as such is in order: `validate` lets it pass, as Consul's
// does.
#pragma once

#include "agent/config/config.h"
#include "base/result.h"

namespace proconsul::agent {

/// Values that name nothing, and certificates that cannot be read. Errc::invalid_argument, with Consul's texts.
base::Result<> check_start(const config::Config& config);

}  // namespace proconsul::agent
