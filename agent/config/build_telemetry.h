// The part of build.h that says where metrics go.
#pragma once

#include "agent/config/config.h"
#include "agent/config/settings_reader.h"

namespace proconsul::agent::config {

void build_telemetry(const SettingsReader& settings, Config& config);

}  // namespace proconsul::agent::config
