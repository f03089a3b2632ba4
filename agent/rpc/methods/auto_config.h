// Introductions of client agents.
#pragma once

#include <span>

#include "agent/rpc/method.h"

namespace proconsul::agent::rpc {

std::span<const Method> auto_config_methods();

}  // namespace proconsul::agent::rpc
