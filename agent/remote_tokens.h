// How tokens are asked for that are not this agent's: what the configuration says of it.
#pragma once

#include "agent/config/config.h"
#include "agent/tokens/remote_resolver.h"

namespace proconsul::agent {

/// Without an off_time: servers that have ACLs on do not believe that others have them off.
tokens::RemoteResolver::Settings remote_resolver_settings(const config::Config& config);

}  // namespace proconsul::agent
