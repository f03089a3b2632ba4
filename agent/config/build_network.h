// The part of build.h that settles ports and addresses.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/config/config.h"
#include "agent/config/settings.h"
#include "base/result.h"

namespace proconsul::agent::config {

base::Result<> build_network(const Settings& settings, const Surroundings& host, Config& config,
                             std::vector<std::string>& warnings, std::vector<std::string>& errors);

/// The words between spaces.
std::vector<std::string> words_of(std::string_view text);

}  // namespace proconsul::agent::config
