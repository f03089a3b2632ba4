// Calls over a connection of their own, without yamux: how a client agent without a certificate asks for one, and how
// the ways between servers are tried.
#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <vector>

#include "agent/rpc/method.h"
#include "base/net/loop.h"
#include "base/net/tcp_channel.h"
#include "base/result.h"

namespace proconsul::agent::rpc {

/// Waits for the answer, half a minute at most, or until `over`: "given up". Not on a loop's thread; the loop outlives
/// it.
base::Result<> call_directly(base::net::Loop& loop, base::net::Destination server, const Method& method,
                             InvocationPtr invocation, const std::stop_token& over);

/// One of several calls, and what became of it.
struct DirectStep {
  const Method* method = nullptr;
  InvocationPtr invocation{};  // has the reply
  base::Result<> result = base::Error{base::Errc::unavailable, "not asked"};
  std::chrono::nanoseconds took{};
};
/// One after the other, of a server's port as servers call it; what one is refused does not keep from the next. The
/// error: of the connection, as of `connect`. Waits so long at most, or until `over`; not on a loop's thread.
base::Result<> converse_directly(base::net::Loop& loop, base::net::Destination server, std::vector<DirectStep>& steps,
                                 std::chrono::milliseconds patience, const std::stop_token& over);

}  // namespace proconsul::agent::rpc
