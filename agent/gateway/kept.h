// The last known topology on disk, so that a gateway forwards before any agent answers.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "wanfed/gateway/routes.h"

namespace proconsul::agent::gateway {

/// JSON; equal topologies give equal text.
std::string to_text(const wanfed::gateway::Topology& topology);
base::Result<wanfed::gateway::Topology> from_text(std::string_view text);

/// Errc::not_found if there is none. "" is no file.
base::Result<wanfed::gateway::Topology> read_kept(const std::string& file);

}  // namespace proconsul::agent::gateway
