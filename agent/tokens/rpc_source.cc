#include "agent/tokens/rpc_source.h"

#include <utility>

#include "agent/rpc/acl_types.h"

namespace proconsul::agent::tokens {

using base::Errc;
using base::Error;
using base::Result;

namespace {

template <class Req>
Req query(const std::string& secret, const std::string& datacenter) {
  Req request;
  request.Token = secret;
  request.AllowStale = true;
  request.Datacenter = datacenter;
  return request;
}

template <class T>
std::vector<T> values_of(base::List<base::Pointer<T>>& pointers) {
  std::vector<T> values;
  for (auto& each : pointers) {
    if (each) values.push_back(std::move(*each));
  }
  return values;
}

}  // namespace

void RpcSource::token(const std::string& secret, Done<Token> done) {
  auto request = query<rpc::ACLTokenGetRequest>(secret, datacenter_);
  request.TokenID = secret;
  request.TokenIDType = "secret";
  rpc::ask<rpc::ACLTokenGetRequest, rpc::ACLTokenResponse>(
      caller_, loops_.next(), "ACL.TokenRead", std::move(request),
      [done = std::move(done)](Result<rpc::ACLTokenResponse> read) mutable {
        if (!read) return done(read.error());
        if (!read->Token) return done(Error{Errc::permission_denied, "ACL not found"});
        done(Token{.token = std::move(*read->Token), .datacenter = std::move(read->SourceDatacenter)});
      });
}

void RpcSource::policies(const std::string& secret, std::vector<std::string> ids,
                         Done<std::vector<catalog::ACLPolicy>> done) {
  auto request = query<rpc::ACLPolicyBatchGetRequest>(secret, datacenter_);
  request.PolicyIDs.assign(ids.begin(), ids.end());
  rpc::ask<rpc::ACLPolicyBatchGetRequest, rpc::ACLPolicyBatchResponse>(
      caller_, loops_.next(), "ACL.PolicyResolve", std::move(request),
      [done = std::move(done)](Result<rpc::ACLPolicyBatchResponse> read) mutable {
        if (!read) return done(read.error());
        done(values_of(read->Policies));
      });
}

void RpcSource::roles(const std::string& secret, std::vector<std::string> ids,
                      Done<std::vector<catalog::ACLRole>> done) {
  auto request = query<rpc::ACLRoleBatchGetRequest>(secret, datacenter_);
  request.RoleIDs.assign(ids.begin(), ids.end());
  rpc::ask<rpc::ACLRoleBatchGetRequest, rpc::ACLRoleBatchResponse>(
      caller_, loops_.next(), "ACL.RoleResolve", std::move(request),
      [done = std::move(done)](Result<rpc::ACLRoleBatchResponse> read) mutable {
        if (!read) return done(read.error());
        done(values_of(read->Roles));
      });
}

}  // namespace proconsul::agent::tokens
