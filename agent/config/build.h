// From merged settings to the configuration: defaults that depend on others, addresses, contradictions.
#pragma once

#include <string>
#include <vector>

#include "agent/config/config.h"
#include "agent/config/settings.h"
#include "base/result.h"

namespace proconsul::agent::config {

/// Fails at the first value that nothing can be made of; `errors` gets those that validate() reports together.
base::Result<Config> build(Settings settings, bool development, const Surroundings& host,
                           std::vector<std::string>& warnings, std::vector<std::string>& errors);

/// What must hold between values. `errors` are those of build(), which have their turn in between.
base::Result<> validate(const Config& config, const Surroundings& host, std::vector<std::string>& warnings,
                        const std::vector<std::string>& errors);

}  // namespace proconsul::agent::config
