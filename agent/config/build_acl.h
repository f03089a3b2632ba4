// The part of build.h that says who may what, and how client agents are introduced.
#pragma once

#include "agent/config/config.h"
#include "agent/config/settings_reader.h"

namespace proconsul::agent::config {

void build_acl(const SettingsReader& settings, Config& config);

}  // namespace proconsul::agent::config
