// The limits that users set, as the data plane has them.
#pragma once

#include <algorithm>
#include <chrono>

#include "agent/config/mesh_gateway.h"
#include "wanfed/gateway/gateway.h"

namespace proconsul::agent::gateway {

inline wanfed::gateway::Limits limits_of(const config::MeshGatewayLimits& limits) {
  const auto milliseconds = [](base::Duration time) { return std::chrono::milliseconds(time.nanoseconds / 1'000'000); };
  wanfed::gateway::Limits out;
  out.connections = limits.max_connections;
  out.per_source = limits.max_connections_per_source;
  out.hello_timeout = milliseconds(limits.handshake_timeout);
  out.connect_timeout = milliseconds(limits.connect_timeout);
  out.dial_timeout = std::max(out.dial_timeout, out.connect_timeout);
  out.idle_timeout = milliseconds(limits.idle_timeout);
  out.drain = milliseconds(limits.drain_timeout);
  return out;
}

}  // namespace proconsul::agent::gateway
