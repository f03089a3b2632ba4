// A query that is asked again and again, each time for what is newer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "agent/rpc/caller.h"
#include "base/net/loop.h"
#include "base/result.h"

namespace proconsul::agent::rpc {

/// Lives on its loop, where all is called.
class FollowedQuery {
 public:
  /// Makes the call for what is newer than an index.
  using Make = std::function<InvocationPtr(const Method& method, std::uint64_t after)>;
  /// An answer that is new, or why there is none: then it is asked again after a while, and what was told stands.
  using Told = std::function<void(base::Result<InvocationPtr>)>;
  /// The caller and the loop outlive it. Asks soon, not within.
  FollowedQuery(base::net::Loop& loop, Caller& caller, std::string_view method, Make make, Told told);
  ~FollowedQuery();
  FollowedQuery(const FollowedQuery&) = delete;

 private:
  class Asking;
  std::shared_ptr<Asking> asking_;
};

/// The same by types, which are those of the method's row.
template <class Req, class Rep>
std::unique_ptr<FollowedQuery> follow(base::net::Loop& loop, Caller& caller, std::string_view method, Req request,
                                      std::function<void(base::Result<Rep>)> told) {
  using Call = TypedInvocation<Req, Rep>;
  auto make = [request = std::move(request)](const Method& row, std::uint64_t after) -> InvocationPtr {
    auto call = std::static_pointer_cast<Call>(row.make());
    call->request = request;
    call->request.MinQueryIndex = after;
    return call;
  };
  auto typed = [told = std::move(told)](base::Result<InvocationPtr> answer) {
    if (!answer) return told(answer.error());
    told(std::move(static_cast<Call&>(**answer).reply));
  };
  return std::make_unique<FollowedQuery>(loop, caller, method, std::move(make), std::move(typed));
}

}  // namespace proconsul::agent::rpc
