// The ACL methods that Consul does not have; other servers answer them "rpc: can't find method".
#pragma once

#include <span>

#include "agent/rpc/method.h"

namespace proconsul::agent::rpc {

std::span<const Method> acl_insight_methods();

}  // namespace proconsul::agent::rpc
