#include <algorithm>
#include <vector>

#include "agent/rpc/acl_places.h"
#include "agent/rpc/acl_questions.h"
#include "agent/rpc/acl_types.h"
#include "agent/rpc/methods/acl_access.h"
#include "agent/rpc/methods/families.h"
#include "agent/server/acl_changes.h"
#include "agent/server/acl_replication.h"
#include "base/clock.h"
#include "base/uuid.h"
#include "catalog/acl/builtin.h"
#include "catalog/acl/policies.h"
#include "catalog/acl/tokens.h"
#include "catalog/store/key.h"

namespace proconsul::agent::rpc {
namespace {

using acl::Access;
using base::Errc;
using base::Error;
using base::Result;
using catalog::ACLToken;
using tokens::Who;

bool is_over(const ACLToken& token) {
  return catalog::is_over(token, base::system_clock().wall());
}

void bootstrap(Services& services, ACLInitialTokenBootstrapRequest& request, server::Answered<ACLToken> done) {
  if (!services.tokens || !services.tokens->enabled() || !services.acl->in_primary()) {
    return done(Error{Errc::unauthorized, "ACL support disabled"});
  }
  server::bootstrap_acls(services.server, *services.acl, std::move(request.BootstrapSecret), std::move(done));
}

void expand(const Services& services, const catalog::Tables& tables, base::KeySet* watch, const ACLToken& token,
            ACLTokenResponse& reply) {
  for (const auto& link : token.Roles) {
    if (const catalog::ACLRole* role = catalog::role_by_id(tables, link.ID)) {
      catalog::watch_role(role, watch);
      reply.ExpandedRoles.emplace_back().emplace() = catalog::with_current_links(tables, *role);
    }
  }
  for (catalog::ACLPolicy& policy : tokens::policies_of(tables, token)) {
    catalog::watch_policy(&policy, watch);
    reply.ExpandedPolicies.emplace_back().emplace() = std::move(policy);
  }
  reply.AgentACLDefaultPolicy = services.acl->default_policy;
  reply.AgentACLDownPolicy = services.acl->down_policy;
  reply.ResolvedByAgent = services.acl->node_name;
}

Result<Found> read(Services& services, const catalog::View& view, base::KeySet* watch,
                   const ACLTokenGetRequest& request, ACLTokenResponse& reply) {
  const catalog::Tables& tables = view.tables();
  reply.Index = tables.index_of("acl-tokens");
  const ACLToken* token = nullptr;
  Result<Who> who = who_of(services, view, request.Token);
  if (request.TokenIDType == "accessor") {
    who = acl_access(services, view, request.Token, Access::read);
    if (!who) return who.error();
    if (Result<> valid = check_id(request.TokenID, "token"); !valid) return valid.error();
    token = catalog::token_by_accessor(tables, request.TokenID);
  } else {
    // Whoever has the secret may read the token.
    if (!who && who.error().code == Errc::unauthorized) return who.error();
    token = catalog::token_by_secret(tables, request.TokenID);
  }
  catalog::watch_token(token, watch);
  if (token && is_over(*token)) return Error{Errc::permission_denied, "token has expired: ACL not found"};
  if (!token) return Error{Errc::permission_denied, "token does not exist: ACL not found"};
  ACLToken& shown = reply.Token.emplace() = catalog::with_current_links(tables, *token);
  if (request.TokenIDType == "accessor") reply.Redacted = redact(*who, shown);
  reply.SourceDatacenter = services.datacenter;
  if (request.Expanded) expand(services, tables, watch, shown, reply);
  return Found::yes;
}

Result<Found> list(Services& services, const catalog::View& view, base::KeySet* watch,
                   const ACLTokenListRequest& request, ACLTokenListResponse& reply) {
  const Result<Who> who = acl_access(services, view, request.Token, Access::read);
  if (!who) return who.error();
  const catalog::Tables& tables = view.tables();
  catalog::watch_key(watch, catalog::Topic::index, "acl-tokens");
  std::vector<const ACLToken*> rows;
  const auto take = [&](auto cursor) {
    for (auto [key, row] : cursor) rows.push_back(row);
  };
  const int filters =
      !request.Policy.empty() + !request.Role.empty() + !request.AuthMethod.empty() + !request.ServiceName.empty();
  if (filters > 1) {
    return Error{Errc::internal, "can only filter by one of policy, role, serviceName, or methodName at a time"};
  }
  for (const std::string* id : {&request.Policy, &request.Role}) {
    if (Result<> valid = check_id(*id, "token"); !id->empty() && !valid) return valid.error();
  }
  if (!request.Policy.empty()) {
    take(tables.acl_tokens_by_policy.prefix(catalog::index_key({request.Policy})));
  } else if (!request.Role.empty()) {
    take(tables.acl_tokens_by_role.prefix(catalog::index_key({request.Role})));
  } else if (!request.AuthMethod.empty()) {
    take(tables.acl_tokens_by_method.prefix(catalog::index_key({request.AuthMethod})));
  } else if (!request.ServiceName.empty()) {
    take(tables.acl_tokens_by_service.prefix(catalog::index_key({request.ServiceName})));
  } else {
    take(tables.acl_tokens.all());
  }
  std::ranges::sort(rows, {}, &ACLToken::SecretID);
  reply.Tokens.make_present();
  for (const ACLToken* row : rows) {
    if (is_over(*row)) continue;
    if (request.IncludeGlobal != request.IncludeLocal && row->Local != request.IncludeLocal) continue;
    ACLToken token = catalog::with_current_links(tables, *row);
    (void)redact(*who, token);
    ACLTokenListStub& stub = reply.Tokens.emplace_back().emplace();
    stub.AccessorID = std::move(token.AccessorID);
    stub.SecretID = std::move(token.SecretID);
    stub.Description = std::move(token.Description);
    stub.Policies = std::move(token.Policies);
    stub.Roles = std::move(token.Roles);
    stub.ServiceIdentities = std::move(token.ServiceIdentities);
    stub.NodeIdentities = std::move(token.NodeIdentities);
    stub.TemplatedPolicies = std::move(token.TemplatedPolicies);
    stub.Local = token.Local;
    stub.AuthMethod = std::move(token.AuthMethod);
    stub.ExpirationTime = std::move(token.ExpirationTime);
    stub.CreateTime = token.CreateTime;
    stub.Hash = std::move(token.Hash);
    stub.CreateIndex = token.CreateIndex;
    stub.ModifyIndex = token.ModifyIndex;
  }
  reply.Index = tables.index_of("acl-tokens");
  return Found::yes;
}

Result<Found> batch_read(Services& services, const catalog::View& view, base::KeySet* watch,
                         const ACLTokenBatchGetRequest& request, ACLTokenBatchResponse& reply) {
  const Result<Who> who = who_of(services, view, request.Token);
  if (!who) return who.error();
  catalog::watch_key(watch, catalog::Topic::index, "acl-tokens");
  reply.Index = view.tables().index_of("acl-tokens");
  reply.Tokens.make_present();
  for (const std::string& accessor : request.AccessorIDs) {
    const ACLToken* token = catalog::token_by_accessor(view.tables(), accessor);
    if (!token) continue;
    if (!may_read_acls(*who)) {
      reply.Removed = true;
      continue;
    }
    ACLToken& shown = reply.Tokens.emplace_back().emplace() = catalog::with_current_links(view.tables(), *token);
    if (redact(*who, shown)) reply.Redacted = true;
  }
  return Found::yes;
}

void set(Services& services, ACLTokenSetRequest& request, server::Answered<ACLToken> done) {
  const Result<Who> who = acl_access(services, *services.server.view(), request.Token, Access::write);
  if (!who) return done(who.error());
  // Whoever sent it here took this for another datacenter.
  if (!services.acl->keeps_tokens()) {
    return done(Error{Errc::internal, "Cannot upsert tokens within this datacenter"});
  }
  if (!services.acl->in_primary() && !request.ACLToken.Local) {
    return done(Error{Errc::internal, "Cannot upsert global tokens within this datacenter"});
  }
  if (request.ACLToken.AccessorID.empty() || request.Create) {
    return server::create_token(services.server, *services.acl, std::move(request.ACLToken), std::move(done));
  }
  server::update_token(services.server, std::move(request.ACLToken), std::move(done));
}

void clone(Services& services, ACLTokenSetRequest& request, server::Answered<ACLToken> done) {
  const Result<Who> who = acl_access(services, *services.server.view(), request.Token, Access::write);
  if (!who) return done(who.error());
  if (Result<> valid = check_id(request.ACLToken.AccessorID, "token"); !valid) return done(valid.error());
  const auto view = services.server.view();
  const ACLToken* token = catalog::token_by_accessor(view->tables(), request.ACLToken.AccessorID);
  if (!services.acl->in_primary() && token && !token->Local && !is_over(*token)) {
    return ask_primary<ACLTokenSetRequest, ACLToken>(services, "ACL.TokenClone", std::move(request), std::move(done));
  }
  server::clone_token(services.server, *services.acl, request.ACLToken.AccessorID,
                      std::move(request.ACLToken.Description), std::move(done));
}

void remove(Services& services, ACLTokenDeleteRequest& request, server::Answered<std::string> done) {
  const Result<Who> who = acl_access(services, *services.server.view(), request.Token, Access::write);
  if (!who) return done(who.error());
  if (!services.acl->in_primary() && base::parse_uuid(request.TokenID) &&
      request.TokenID != catalog::kAnonymousAccessor) {
    const auto view = services.server.view();
    const ACLToken* token = catalog::token_by_accessor(view->tables(), request.TokenID);
    // What is not here may be there already.
    if (!token || (!token->Local && token->SecretID != request.Token)) {
      return ask_primary<ACLTokenDeleteRequest, std::string>(services, "ACL.TokenDelete", std::move(request),
                                                             std::move(done));
    }
  }
  server::delete_token(services.server, request.TokenID, request.Token, std::move(done));
}

Result<> authorize(Services& services, const RemoteACLAuthorizationRequest& request,
                   base::List<ACLAuthorizationResponse>& reply) {
  const Result<Who> who = who_of(services, *services.server.view(), request.Token);
  if (!who) return who.error();
  Result<base::List<ACLAuthorizationResponse>> answers = answer_questions(*who, request.Requests);
  if (!answers) return answers.error();
  reply = std::move(*answers);
  return {};
}

/// A secondary datacenter's copying of the primary's ACLs; there is none in the primary.
Result<> replication_status(Services& services, const DCSpecificRequest&, ACLReplicationStatus& reply) {
  const server::AclReplication* replication = services.acl ? services.acl->replication : nullptr;
  reply = replication ? replication->status() : ACLReplicationStatus();
  return {};
}

}  // namespace

std::span<const Method> acl_token_methods() {
  static constexpr Method kRows[] = {
      method<&bootstrap>("ACL.BootstrapTokens", kReads | kLeaderAlways | kCountsAsWrite),
      method<&read>("ACL.TokenRead", kReads),
      method<&list>("ACL.TokenList", kReads),
      method<&batch_read>("ACL.TokenBatchRead", kReads),
      method<&set>("ACL.TokenSet", 0),
      method<&clone>("ACL.TokenClone", 0),
      method<&remove>("ACL.TokenDelete", 0),
      method<&authorize>("ACL.Authorize", kReads),
      method<&replication_status>("ACL.ReplicationStatus", kReads | kLeaderAlways),
  };
  return kRows;
}

}  // namespace proconsul::agent::rpc
