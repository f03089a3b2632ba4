// Asking the agent for one intention.
#pragma once

#include <string>

#include "agent/cli/client_flags.h"
#include "agent/cli/intention_types.h"
#include "base/result.h"
#include "base/type.h"

namespace proconsul::agent::cli {

/// Null if there is none; by its ID, or by the names of both sides.
base::Result<base::Pointer<Intention>> find_intention(const Context& context, ApiClient& client, const std::string& id);
base::Result<base::Pointer<Intention>> find_intention(const Context& context, ApiClient& client,
                                                      const std::string& source, const std::string& destination);

}  // namespace proconsul::agent::cli
