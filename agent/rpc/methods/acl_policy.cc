#include <algorithm>

#include "agent/rpc/acl_types.h"
#include "agent/rpc/methods/acl_access.h"
#include "agent/rpc/methods/families.h"
#include "agent/server/acl_changes.h"
#include "base/uuid.h"
#include "catalog/acl/policies.h"
#include "catalog/acl/tokens.h"
#include "catalog/store/key.h"

namespace proconsul::agent::rpc {
namespace {

using acl::Access;
using base::Errc;
using base::Error;
using base::Result;
using catalog::ACLPolicy;
using catalog::ACLRole;
using tokens::Who;

Result<Found> read_policy(Services& services, const catalog::View& view, base::KeySet* watch,
                          const ACLPolicyGetRequest& request, ACLPolicyResponse& reply) {
  if (const Result<Who> who = acl_access(services, view, request.Token, Access::read); !who) return who.error();
  if (!request.PolicyID.empty()) {
    if (Result<> valid = check_id(request.PolicyID, "policy"); !valid) return valid.error();
  }
  const ACLPolicy* policy = request.PolicyID.empty() ? catalog::policy_by_name(view.tables(), request.PolicyName)
                                                     : catalog::policy_by_id(view.tables(), request.PolicyID);
  catalog::watch_policy(policy, watch);
  reply.Index = view.tables().index_of("acl-policies");
  if (!policy) return Found::no;
  reply.Policy.emplace() = *policy;
  return Found::yes;
}

Result<Found> list_policies(Services& services, const catalog::View& view, base::KeySet* watch,
                            const ACLPolicyListRequest& request, ACLPolicyListResponse& reply) {
  if (const Result<Who> who = acl_access(services, view, request.Token, Access::read); !who) return who.error();
  catalog::watch_key(watch, catalog::Topic::index, "acl-policies");
  reply.Index = view.tables().index_of("acl-policies");
  for (const auto [key, policy] : view.tables().acl_policies_by_name.all()) {
    ACLPolicyListStub& stub = reply.Policies.emplace_back().emplace();
    stub.ID = policy->ID;
    stub.Name = policy->Name;
    stub.Description = policy->Description;
    stub.Datacenters = policy->Datacenters;
    stub.Hash = policy->Hash;
    stub.CreateIndex = policy->CreateIndex;
    stub.ModifyIndex = policy->ModifyIndex;
  }
  return Found::yes;
}

Result<Found> batch_read_policies(Services& services, const catalog::View& view, base::KeySet* watch,
                                  const ACLPolicyBatchGetRequest& request, ACLPolicyBatchResponse& reply) {
  const Result<Who> who = who_of(services, view, request.Token);
  if (!who) return who.error();
  catalog::watch_key(watch, catalog::Topic::index, "acl-policies");
  reply.Index = view.tables().index_of("acl-policies");
  reply.Policies.make_present();
  if (!may_read_acls(*who)) return Found::yes;
  for (const std::string& id : request.PolicyIDs) {
    if (const ACLPolicy* policy = catalog::policy_by_id(view.tables(), id)) {
      reply.Policies.emplace_back().emplace() = *policy;
    }
  }
  return Found::yes;
}

/// The policies of the asking token's own, for agents that resolve it: anything else is refused.
Result<> resolve_policies(Services& services, const ACLPolicyBatchGetRequest& request, ACLPolicyBatchResponse& reply) {
  const auto view = services.server.view();
  const catalog::Tables& tables = view->tables();
  if (const Result<Who> who = who_of(services, *view, request.Token); !who) return who.error();
  const std::shared_ptr<const catalog::ACLToken> token = services.tokens->token(tables, request.Token);
  std::vector<ACLPolicy> own;
  if (token) own = tokens::in_datacenter(tokens::policies_of(tables, *token), services.datacenter);
  for (const std::string& id : request.PolicyIDs) {
    const auto found = std::ranges::find(own, id, &ACLPolicy::ID);
    const bool linked =
        token && std::ranges::find(token->Policies, id, &catalog::ACLTokenPolicyLink::ID) != token->Policies.end();
    if (found == own.end() && !linked) return Error{Errc::permission_denied, "Permission denied"};
    if (found != own.end()) reply.Policies.emplace_back().emplace() = *found;
  }
  reply.Index = std::max<std::uint64_t>(tables.index_of("acl-policies"), 1);
  return {};
}

void set_policy(Services& services, ACLPolicySetRequest& request, server::Answered<ACLPolicy> done) {
  const Result<Who> who = acl_access(services, *services.server.view(), request.Token, Access::write);
  if (!who) return done(who.error());
  server::set_policy(services.server, std::move(request.Policy), std::move(done));
}

void delete_policy(Services& services, ACLPolicyDeleteRequest& request, server::Answered<std::string> done) {
  const Result<Who> who = acl_access(services, *services.server.view(), request.Token, Access::write);
  if (!who) return done(who.error());
  if (Result<> valid = check_id(request.PolicyID, "policy"); !valid) return done(valid.error());
  server::delete_policy(services.server, request.PolicyID, std::move(done));
}

Result<Found> read_role(Services& services, const catalog::View& view, base::KeySet* watch,
                        const ACLRoleGetRequest& request, ACLRoleResponse& reply) {
  if (const Result<Who> who = acl_access(services, view, request.Token, Access::read); !who) return who.error();
  if (!request.RoleID.empty()) {
    if (Result<> valid = check_id(request.RoleID, "role"); !valid) return valid.error();
  }
  const ACLRole* role = request.RoleID.empty() ? catalog::role_by_name(view.tables(), request.RoleName)
                                               : catalog::role_by_id(view.tables(), request.RoleID);
  catalog::watch_role(role, watch);
  reply.Index = view.tables().index_of("acl-roles");
  if (!role) return Found::no;
  reply.Role.emplace() = catalog::with_current_links(view.tables(), *role);
  return Found::yes;
}

Result<Found> list_roles(Services& services, const catalog::View& view, base::KeySet* watch,
                         const ACLRoleListRequest& request, ACLRoleListResponse& reply) {
  if (const Result<Who> who = acl_access(services, view, request.Token, Access::read); !who) return who.error();
  const catalog::Tables& tables = view.tables();
  catalog::watch_key(watch, catalog::Topic::index, "acl-roles");
  reply.Index = tables.index_of("acl-roles");
  const auto take = [&](auto cursor) {
    for (const auto [key, role] : cursor) {
      reply.Roles.emplace_back().emplace() = catalog::with_current_links(tables, *role);
    }
  };
  if (request.Policy.empty()) {
    take(tables.acl_roles_by_name.all());
  } else {
    if (Result<> valid = check_id(request.Policy, "role"); !valid) return valid.error();
    take(tables.acl_roles_by_policy.prefix(catalog::index_key({request.Policy})));
  }
  return Found::yes;
}

Result<Found> batch_read_roles(Services& services, const catalog::View& view, base::KeySet* watch,
                               const ACLRoleBatchGetRequest& request, ACLRoleBatchResponse& reply) {
  const Result<Who> who = who_of(services, view, request.Token);
  if (!who) return who.error();
  catalog::watch_key(watch, catalog::Topic::index, "acl-roles");
  reply.Index = view.tables().index_of("acl-roles");
  reply.Roles.make_present();
  if (!may_read_acls(*who)) return Found::yes;
  for (const std::string& id : request.RoleIDs) {
    if (const ACLRole* role = catalog::role_by_id(view.tables(), id)) {
      reply.Roles.emplace_back().emplace() = catalog::with_current_links(view.tables(), *role);
    }
  }
  return Found::yes;
}

/// The roles of the asking token's own, for agents that resolve it: anything else is refused.
Result<> resolve_roles(Services& services, const ACLRoleBatchGetRequest& request, ACLRoleBatchResponse& reply) {
  const auto view = services.server.view();
  const catalog::Tables& tables = view->tables();
  if (const Result<Who> who = who_of(services, *view, request.Token); !who) return who.error();
  const std::shared_ptr<const catalog::ACLToken> token = services.tokens->token(tables, request.Token);
  for (const std::string& id : request.RoleIDs) {
    const bool linked =
        token && std::ranges::find(token->Roles, id, &catalog::ACLTokenRoleLink::ID) != token->Roles.end();
    if (!linked) return Error{Errc::permission_denied, "Permission denied"};
    if (const ACLRole* role = catalog::role_by_id(tables, id)) {
      reply.Roles.emplace_back().emplace() = catalog::with_current_links(tables, *role);
    }
  }
  reply.Index = std::max<std::uint64_t>(tables.index_of("acl-roles"), 1);
  return {};
}

void set_role(Services& services, ACLRoleSetRequest& request, server::Answered<ACLRole> done) {
  const Result<Who> who = acl_access(services, *services.server.view(), request.Token, Access::write);
  if (!who) return done(who.error());
  server::set_role(services.server, std::move(request.Role), std::move(done));
}

void delete_role(Services& services, ACLRoleDeleteRequest& request, server::Answered<std::string> done) {
  const Result<Who> who = acl_access(services, *services.server.view(), request.Token, Access::write);
  if (!who) return done(who.error());
  if (Result<> valid = check_id(request.RoleID, "role"); !valid) return done(valid.error());
  server::delete_role(services.server, request.RoleID, std::move(done));
}

}  // namespace

std::span<const Method> acl_policy_methods() {
  static constexpr Method kRows[] = {
      method<&read_policy>("ACL.PolicyRead", kReads),
      method<&list_policies>("ACL.PolicyList", kReads),
      method<&batch_read_policies>("ACL.PolicyBatchRead", kReads),
      method<&resolve_policies>("ACL.PolicyResolve", kReads),
      method<&set_policy>("ACL.PolicySet", 0),
      method<&delete_policy>("ACL.PolicyDelete", 0),
      method<&read_role>("ACL.RoleRead", kReads),
      method<&list_roles>("ACL.RoleList", kReads),
      method<&batch_read_roles>("ACL.RoleBatchRead", kReads),
      method<&resolve_roles>("ACL.RoleResolve", kReads),
      method<&set_role>("ACL.RoleSet", 0),
      method<&delete_role>("ACL.RoleDelete", 0),
  };
  return kRows;
}

}  // namespace proconsul::agent::rpc
