// What datacenters know of each other's mesh gateways.
#pragma once

#include <span>

#include "agent/rpc/method.h"

namespace proconsul::agent::rpc {

std::span<const Method> federation_state_methods();

}  // namespace proconsul::agent::rpc
