// grpc.reflection: which services a server has, and how their messages look. Both versions, which differ in their names
// alone.
#pragma once

#include "agent/grpc/method.h"

namespace proconsul::agent::grpc {

/// Shows what was added before, and itself.
void add_reflection(Services& services);

}  // namespace proconsul::agent::grpc
