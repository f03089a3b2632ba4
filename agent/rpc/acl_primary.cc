#include "agent/rpc/acl_primary.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

namespace proconsul::agent::rpc {

using base::Errc;
using base::Error;
using base::Result;

namespace {

/// One call, from when it is posted to its loop until it was answered or given up.
struct Waiting {
  std::mutex mutex{};
  std::condition_variable_any changed{};
  std::optional<Result<>> answer{};
  std::unique_ptr<Running> running{};  // of the loop
  bool given_up = false;               // of the loop
};

class Primary final : public server::AclPrimary {
 public:
  Primary(Caller& caller, base::net::Loops& loops, server::AclSettings settings)
      : caller_(caller), loops_(loops), settings_(std::move(settings)) {}

  Result<ACLPolicyListResponse> policies(std::uint64_t after, std::stop_token over) override {
    return ask<ACLPolicyListResponse>("ACL.PolicyList", ACLPolicyListRequest(), after, over);
  }
  Result<ACLPolicyBatchResponse> read_policies(IDs ids, std::stop_token over) override {
    ACLPolicyBatchGetRequest request;
    request.PolicyIDs = std::move(ids);
    return ask<ACLPolicyBatchResponse>("ACL.PolicyBatchRead", std::move(request), 0, over);
  }
  Result<ACLRoleListResponse> roles(std::uint64_t after, std::stop_token over) override {
    return ask<ACLRoleListResponse>("ACL.RoleList", ACLRoleListRequest(), after, over);
  }
  Result<ACLTokenListResponse> tokens(std::uint64_t after, std::stop_token over) override {
    ACLTokenListRequest request;
    request.IncludeGlobal = true;
    return ask<ACLTokenListResponse>("ACL.TokenList", std::move(request), after, over);
  }
  Result<ACLTokenBatchResponse> read_tokens(IDs accessors, std::stop_token over) override {
    ACLTokenBatchGetRequest request;
    request.AccessorIDs = std::move(accessors);
    return ask<ACLTokenBatchResponse>("ACL.TokenBatchRead", std::move(request), 0, over);
  }

 private:
  template <class Rep, class Req>
  Result<Rep> ask(std::string_view method, Req request, std::uint64_t after, const std::stop_token& over) {
    request.Datacenter = settings_.primary_datacenter;
    request.Token = settings_.replication_token();
    request.AllowStale = true;
    request.MinQueryIndex = after;
    const Method& row = *find_method(method);
    auto call = std::static_pointer_cast<TypedInvocation<Req, Rep>>(row.make());
    call->request = std::move(request);
    if (Result<> answered = wait(row, call, over); !answered) return answered.error();
    return std::move(call->reply);
  }

  Result<> wait(const Method& method, InvocationPtr invocation, const std::stop_token& over) {
    auto waiting = std::make_shared<Waiting>();
    base::net::Loop& loop = loops_.next();
    loop.post([&caller = caller_, &loop, &method, waiting, invocation = std::move(invocation)] {
      if (waiting->given_up) return;
      waiting->running = caller.call(loop, method, invocation, [&loop, waiting](Result<> result) {
        loop.post([dead = std::move(waiting->running)] {});  // it is on the stack
        const std::lock_guard lock(waiting->mutex);
        waiting->answer = std::move(result);
        waiting->changed.notify_all();
      });
    });
    std::unique_lock lock(waiting->mutex);
    if (waiting->changed.wait(lock, over, [&] { return waiting->answer.has_value(); })) return *waiting->answer;
    lock.unlock();
    loop.post([waiting] {
      waiting->given_up = true;
      waiting->running.reset();
    });
    return Error{Errc::unavailable, "given up"};
  }

  Caller& caller_;
  base::net::Loops& loops_;
  const server::AclSettings settings_;
};

}  // namespace

std::shared_ptr<server::AclPrimary> acl_primary(Caller& caller, base::net::Loops& loops, server::AclSettings settings) {
  return std::make_shared<Primary>(caller, loops, std::move(settings));
}

}  // namespace proconsul::agent::rpc
