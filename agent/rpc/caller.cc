#include "agent/rpc/caller.h"

#include <utility>

namespace proconsul::agent::rpc {
namespace {

/// Lives until it is answered: the callback holds it.
struct Asked {
  std::unique_ptr<Running> running{};
};

}  // namespace

void ask(Caller& caller, base::net::Loop& loop, const Method& method, InvocationPtr invocation, Finished done) {
  loop.post([&caller, &loop, &method, invocation = std::move(invocation), done = std::move(done)]() mutable {
    auto asked = std::make_shared<Asked>();
    Asked& begun = *asked;
    begun.running =
        caller.call(loop, method, std::move(invocation),
                    [&loop, asked = std::move(asked), done = std::move(done)](base::Result<> result) mutable {
                      done(std::move(result));
                      loop.post([dead = std::move(asked->running)] {});  // it is on the stack
                    });
  });
}

}  // namespace proconsul::agent::rpc
