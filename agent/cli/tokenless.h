// Reaching the agent without a token.
#pragma once

#include "agent/cli/client_flags.h"

namespace proconsul::agent::cli {

/// As client_config(), but no token is sent, and none is looked for: neither in the flags and the environment nor in
/// the files that they name.
base::Result<ApiConfig> tokenless_config(const Context& context);

}  // namespace proconsul::agent::cli
