// Calls that wait for their answers, for threads that may.
#pragma once

#include <memory>
#include <stop_token>
#include <string_view>
#include <utility>

#include "agent/rpc/caller.h"
#include "agent/rpc/method.h"
#include "base/net/loop.h"
#include "base/result.h"

namespace proconsul::agent::rpc {

/// The reply is in the invocation then. Errc::unavailable once `over` is.
base::Result<> call_and_wait(Caller& caller, base::net::Loops& loops, const Method& method, InvocationPtr invocation,
                             const std::stop_token& over);

/// The same by types, which are those of the method's row.
template <class Rep, class Req>
base::Result<Rep> call_and_wait(Caller& caller, base::net::Loops& loops, std::string_view method, Req request,
                                const std::stop_token& over) {
  const Method& row = *find_method(method);
  auto call = std::static_pointer_cast<TypedInvocation<Req, Rep>>(row.make());
  call->request = std::move(request);
  if (base::Result<> answered = call_and_wait(caller, loops, row, call, over); !answered) return answered.error();
  return std::move(call->reply);
}

}  // namespace proconsul::agent::rpc
