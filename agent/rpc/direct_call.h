// One call over a connection of its own, without yamux: how a client agent without a certificate asks for one.
#pragma once

#include <memory>
#include <stop_token>

#include "agent/rpc/method.h"
#include "base/net/loop.h"
#include "base/net/tcp_channel.h"
#include "base/result.h"

namespace proconsul::agent::rpc {

/// Waits for the answer, half a minute at most, or until `over`: "given up". Not on a loop's thread; the loop outlives
/// it.
base::Result<> call_directly(base::net::Loop& loop, base::net::Destination server, const Method& method,
                             InvocationPtr invocation, const std::stop_token& over);

}  // namespace proconsul::agent::rpc
