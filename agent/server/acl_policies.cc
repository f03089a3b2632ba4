#include <algorithm>
#include <utility>

#include "acl/rules.h"
#include "agent/server/acl_changes.h"
#include "agent/server/acl_links.h"
#include "agent/server/acl_names.h"
#include "agent/server/acl_propose.h"
#include "catalog/acl/hash.h"
#include "catalog/acl/policies.h"
#include "catalog/commands.h"
#include "catalog/store/store.h"

namespace proconsul::agent::server {

using base::Errc;
using base::Error;
using base::Result;
using catalog::ACLPolicy;
using catalog::ACLRole;
using catalog::Command;
using catalog::Tables;

namespace {

Error failed(std::string detail) {
  return {Errc::internal, std::move(detail)};
}

Result<> check(const Tables& tables, ACLPolicy& policy) {
  if (policy.Name.empty()) return failed("Invalid Policy: no Name is set");
  if (Result<> named = check_policy_name(policy.Name); !named) return named;
  if (!policy.ID.empty() && !base::parse_uuid(policy.ID)) return failed("Policy ID invalid UUID");
  const ACLPolicy* old = policy.ID.empty() ? nullptr : catalog::policy_by_id(tables, policy.ID);
  const ACLPolicy* builtin = old ? catalog::builtin_policy(old->ID) : nullptr;
  const ACLPolicy* same_name = catalog::policy_by_name(tables, policy.Name);
  if (policy.ID.empty()) {
    policy.ID = new_id([&](std::string_view id) { return catalog::policy_by_id(tables, id) != nullptr; });
    if (same_name) {
      return failed("Invalid Policy: A Policy with Name " + base::quote(policy.Name) + " already exists");
    }
  } else {
    if (!old) return failed("cannot find policy " + policy.ID);
    if (old->Name != policy.Name && same_name) {
      return failed("Invalid Policy: A policy with name " + base::quote(policy.Name) + " already exists");
    }
    if (builtin && !policy.Datacenters.is_nil()) {
      return failed("Changing the Datacenters of the " + builtin->Name + " policy is not permitted");
    }
    if (builtin && policy.Rules != old->Rules) {
      return failed("Changing the Rules for the builtin " + builtin->Name + " policy is not permitted");
    }
  }
  if (Result<acl::Rules> rules = acl::parse_rules(policy.Rules); !rules) return failed(rules.error().detail);
  return {};
}

Result<> check(const Tables& tables, ACLRole& role) {
  if (role.Name.empty()) return failed("Invalid Role: no Name is set");
  if (!is_role_name(role.Name)) {
    return failed("Invalid Role: invalid Name. Only alphanumeric characters, '-' and '_' are allowed");
  }
  const ACLRole* same_name = catalog::role_by_name(tables, role.Name);
  if (role.ID.empty()) {
    role.ID = new_id([&](std::string_view id) { return catalog::role_by_id(tables, id) != nullptr; });
    if (same_name) return failed("Invalid Role: A Role with Name " + base::quote(role.Name) + " already exists");
  } else {
    if (!base::parse_uuid(role.ID)) return failed("Role ID invalid UUID");
    const ACLRole* old = catalog::role_by_id(tables, role.ID);
    if (!old) return failed("cannot find role " + role.ID);
    if (old->Name != role.Name && same_name) {
      return failed("Invalid Role: A role with name " + base::quote(role.Name) + " already exists");
    }
  }
  const auto by_id = [&](std::string_view id) { return catalog::policy_by_id(tables, id); };
  const auto by_name = [&](std::string_view name) { return catalog::policy_by_name(tables, name); };
  Result<> settled = settle_links(role.Policies, "policy", false, by_id, by_name);
  if (settled) settled = settle_service_identities(role.ServiceIdentities, "role", false);
  if (settled) settled = settle_node_identities(role.NodeIdentities, "role");
  if (settled) settled = settle_templated_policies(role.TemplatedPolicies, "role");
  return settled;
}

}  // namespace

void set_policy(Server& server, ACLPolicy policy, Answered<ACLPolicy> done) {
  const auto view = server.view();
  if (Result<> checked = check(view->tables(), policy); !checked) return done(checked.error());
  policy.Hash = catalog::hash_of(policy);
  catalog::ACLPolicyBatchSetRequest request;
  std::string id = policy.ID;
  request.Policies.emplace_back().emplace() = std::move(policy);
  propose<ACLPolicy>(server, catalog::encode_command(Command::acl_policy_set, request), "policy upsert",
                     std::move(done), [id = std::move(id)](const Tables& tables) {
                       const ACLPolicy* written = catalog::policy_by_id(tables, id);
                       return written ? *written : ACLPolicy{};
                     });
}

void delete_policy(Server& server, std::string_view id, Answered<std::string> done) {
  const auto view = server.view();
  const ACLPolicy* policy = catalog::policy_by_id(view->tables(), id);
  if (!policy) return done(Error{Errc::permission_denied, "policy does not exist: ACL not found"});
  if (const ACLPolicy* builtin = catalog::builtin_policy(policy->ID)) {
    return done(failed("Delete operation not permitted on the builtin " + builtin->Name + " policy"));
  }
  catalog::ACLPolicyBatchDeleteRequest request;
  request.PolicyIDs.emplace_back(id);
  propose<std::string>(server, catalog::encode_command(Command::acl_policy_delete, request), "policy delete",
                       std::move(done), [name = policy->Name](const Tables&) { return name; });
}

void set_role(Server& server, ACLRole role, Answered<ACLRole> done) {
  const auto view = server.view();
  if (Result<> checked = check(view->tables(), role); !checked) return done(checked.error());
  role.Hash = catalog::hash_of(role);
  catalog::ACLRoleBatchSetRequest request;
  std::string id = role.ID;
  request.Roles.emplace_back().emplace() = std::move(role);
  propose<ACLRole>(server, catalog::encode_command(Command::acl_role_set, request), "role upsert", std::move(done),
                   [id = std::move(id)](const Tables& tables) {
                     const ACLRole* written = catalog::role_by_id(tables, id);
                     return written ? catalog::with_current_links(tables, *written) : ACLRole{};
                   });
}

void delete_role(Server& server, std::string_view id, Answered<std::string> done) {
  const auto view = server.view();
  const ACLRole* role = catalog::role_by_id(view->tables(), id);
  if (!role) return done(Error{Errc::permission_denied, "role does not exist: ACL not found"});
  catalog::ACLRoleBatchDeleteRequest request;
  request.RoleIDs.emplace_back(id);
  propose<std::string>(server, catalog::encode_command(Command::acl_role_delete, request), "role delete",
                       std::move(done), [name = role->Name](const Tables&) { return name; });
}

}  // namespace proconsul::agent::server
