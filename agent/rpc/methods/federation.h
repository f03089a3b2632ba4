// The rows of Federation.*: what servers tell of the federation that they are part of. Consul has none of them.
#pragma once

#include <span>

#include "agent/rpc/method.h"

namespace proconsul::agent::rpc {

std::span<const Method> federation_methods();

}  // namespace proconsul::agent::rpc
