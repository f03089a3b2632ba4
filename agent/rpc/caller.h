// Who takes a call to where it is answered: the dispatcher of a server, or a client agent's way to its servers.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "agent/rpc/method.h"
#include "base/net/loop.h"
#include "base/result.h"

namespace proconsul::agent::rpc {

/// A call that runs; dropping it gives up what can be given up (a wait, an answer from elsewhere). On its loop only.
class Running {
 public:
  virtual ~Running() = default;
};

class Caller {
 public:
  virtual ~Caller() = default;
  /// Calls the method, in the datacenter that the request names; on the thread of the loop, where `done` comes too,
  /// never from within this call. The reply is in the invocation then. An error has the text that goes on the wire.
  virtual std::unique_ptr<Running> call(base::net::Loop& loop, const Method& method, InvocationPtr invocation,
                                        Finished done) = 0;
};

/// The same from any thread, of a call that nobody gives up. The caller outlives it.
void ask(Caller& caller, base::net::Loop& loop, const Method& method, InvocationPtr invocation, Finished done);

/// The same by types, which are those of the method's row.
template <class Req, class Rep>
void ask(Caller& caller, base::net::Loop& loop, std::string_view method, Req request,
         std::move_only_function<void(base::Result<Rep>)> done) {
  const Method& row = *find_method(method);
  auto invocation = std::static_pointer_cast<TypedInvocation<Req, Rep>>(row.make());
  invocation->request = std::move(request);
  ask(caller, loop, row, invocation, [invocation, done = std::move(done)](base::Result<> result) mutable {
    result ? done(std::move(invocation->reply)) : done(result.error());
  });
}

}  // namespace proconsul::agent::rpc
