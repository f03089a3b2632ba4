// Which versions of Envoy are supported: those of Consul 1.21.4.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "agent/xds/messages.h"

namespace proconsul::agent::xds {

/// The newest first, one of each minor version; earlier patches of it are supported, too.
inline constexpr std::array<std::string_view, 4> kEnvoyVersions = {"1.34.1", "1.33.2", "1.32.5", "1.31.8"};

/// Empty: it may be supported, or does not say what it is.
std::string why_unsupported(const Node& node);
/// Of a text like "1.34.1": whether it lies between the first and the last of them.
bool is_supported_envoy(std::string_view version);

}  // namespace proconsul::agent::xds
