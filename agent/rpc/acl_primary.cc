#include "agent/rpc/acl_primary.h"

#include <utility>

#include "agent/rpc/waited_call.h"

namespace proconsul::agent::rpc {

using base::Result;

namespace {

constexpr base::Duration kCatchUp = base::seconds(5);  // for a server that is behind the one that listed

/// What a query waits to be newer than, to be as new as that; 0: it does not wait.
std::uint64_t before(std::uint64_t as_of) {
  return as_of == 0 ? 0 : as_of - 1;
}

class Primary final : public server::AclPrimary {
 public:
  Primary(Caller& caller, base::net::Loops& loops, server::AclSettings settings)
      : caller_(caller), loops_(loops), settings_(std::move(settings)) {}

  Result<ACLPolicyListResponse> policies(std::uint64_t after, std::stop_token over) override {
    return ask<ACLPolicyListResponse>("ACL.PolicyList", ACLPolicyListRequest(), after, over);
  }
  Result<ACLPolicyBatchResponse> read_policies(IDs ids, std::uint64_t as_of, std::stop_token over) override {
    ACLPolicyBatchGetRequest request;
    request.PolicyIDs = std::move(ids);
    return ask<ACLPolicyBatchResponse>("ACL.PolicyBatchRead", std::move(request), before(as_of), over, kCatchUp);
  }
  Result<ACLRoleListResponse> roles(std::uint64_t after, std::stop_token over) override {
    return ask<ACLRoleListResponse>("ACL.RoleList", ACLRoleListRequest(), after, over);
  }
  Result<ACLTokenListResponse> tokens(std::uint64_t after, std::stop_token over) override {
    ACLTokenListRequest request;
    request.IncludeGlobal = true;
    return ask<ACLTokenListResponse>("ACL.TokenList", std::move(request), after, over);
  }
  Result<TokenSumsResponse> token_sums(std::uint64_t after, std::stop_token over) override {
    return ask<TokenSumsResponse>("ACL.TokenSums", TokenSumsRequest(), after, over);
  }
  Result<ACLTokenBatchResponse> read_tokens(IDs accessors, std::uint64_t as_of, std::stop_token over) override {
    ACLTokenBatchGetRequest request;
    request.AccessorIDs = std::move(accessors);
    return ask<ACLTokenBatchResponse>("ACL.TokenBatchRead", std::move(request), before(as_of), over, kCatchUp);
  }

 private:
  template <class Rep, class Req>
  Result<Rep> ask(std::string_view method, Req request, std::uint64_t after, const std::stop_token& over,
                  base::Duration wait = {}) {
    request.Datacenter = settings_.primary_datacenter;
    request.Token = settings_.replication_token();
    request.AllowStale = true;
    request.MinQueryIndex = after;
    request.MaxQueryTime = wait;  // none: the server's default
    return ask_and_wait<Rep>(caller_, loops_, method, std::move(request), over);
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
