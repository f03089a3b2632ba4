// Rows of the Federation methods, which Consul does not have.
#pragma once

#include <span>

#include "agent/rpc/method.h"

namespace proconsul::agent::rpc {

std::span<const Method> invitation_methods();

}  // namespace proconsul::agent::rpc
