// The part of build.h that settles certificates and what is asked of the other side's.
#pragma once

#include "agent/config/config.h"
#include "agent/config/settings_reader.h"
#include "base/result.h"

namespace proconsul::agent::config {

base::Result<> build_tls(const SettingsReader& settings, Config& config);

}  // namespace proconsul::agent::config
