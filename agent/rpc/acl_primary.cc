#include "agent/rpc/acl_primary.h"

#include <utility>

#include "agent/rpc/waiting_call.h"

namespace proconsul::agent::rpc {

using base::Result;

namespace {

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
    return call_and_wait<Rep>(caller_, loops_, method, std::move(request), over);
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
