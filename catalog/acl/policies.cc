#include "catalog/acl/policies.h"

#include <utility>

#include "base/quote.h"
#include "catalog/acl/builtin.h"
#include "catalog/acl/links.h"
#include "catalog/store/key.h"

namespace proconsul::catalog {
namespace {

using base::Errc;
using base::Error;
using base::Result;

constexpr std::string_view kPolicies = "acl-policies";
constexpr std::string_view kRoles = "acl-roles";

Error failed(std::string detail) {
  return {Errc::internal, std::move(detail)};
}

void insert_rows(Transaction& tx, ACLPolicy policy) {
  Tables& tables = tx.tables();
  const std::string key = index_key({policy.ID});
  if (const ACLPolicy* old = tables.acl_policies.get(key)) tables.acl_policies_by_name.erase(index_key({old->Name}));
  const auto row = base::make_row(std::move(policy));
  tables.acl_policies.insert(key, row);
  tables.acl_policies_by_name.insert(index_key({row->Name}), row);
  tx.touch(Topic::acl_policy, key);
}

void erase_rows(Transaction& tx, const ACLRole* role) {
  const auto kept = base::RowPtr<ACLRole>::share(static_cast<const base::Row<ACLRole>*>(role));
  Tables& tables = tx.tables();
  for (const auto& link : kept->Policies) tables.acl_roles_by_policy.erase(index_key({link.ID, kept->ID}));
  tables.acl_roles_by_name.erase(index_key({kept->Name}));
  tables.acl_roles.erase(index_key({kept->ID}));
  tx.touch(Topic::acl_role, index_key({kept->ID}));
}

void insert_rows(Transaction& tx, ACLRole role) {
  if (const ACLRole* old = role_by_id(tx.tables(), role.ID)) erase_rows(tx, old);
  Tables& tables = tx.tables();
  const auto row = base::make_row(std::move(role));
  tables.acl_roles.insert(index_key({row->ID}), row);
  tables.acl_roles_by_name.insert(index_key({row->Name}), row);
  for (const auto& link : row->Policies) tables.acl_roles_by_policy.insert(index_key({link.ID, row->ID}), row);
  tx.touch(Topic::acl_role, index_key({row->ID}));
}

Result<> set(Transaction& tx, ACLPolicy policy) {
  if (policy.ID.empty()) return failed("Missing ACL Policy ID");
  if (policy.Name.empty()) return failed("Missing ACL Policy Name");
  const ACLPolicy* old = policy_by_id(tx.tables(), policy.ID);
  if (const ACLPolicy* builtin = builtin_policy(policy.ID); old && builtin) {
    if (policy.Rules != builtin->Rules) {
      return failed("Changing the Rules for the builtin " + builtin->Name + " policy is not permitted");
    }
    if (!policy.Datacenters.empty()) {
      return failed("Changing the Datacenters of the builtin " + builtin->Name + " policy is not permitted");
    }
  }
  const ACLPolicy* same_name = policy_by_name(tx.tables(), policy.Name);
  if (same_name && same_name->ID != policy.ID) {
    return failed("A policy with name " + base::quote(policy.Name) + " already exists");
  }
  policy.CreateIndex = old ? old->CreateIndex : tx.index();
  policy.ModifyIndex = tx.index();
  insert_rows(tx, std::move(policy));
  tx.set_index(kPolicies);
  return {};
}

Result<> check_identities(const ACLRole& role) {
  for (const auto& identity : role.ServiceIdentities) {
    if (!identity || identity->ServiceName.empty()) {
      return failed("Encountered a Role with an empty service identity name in the state store");
    }
  }
  for (const auto& identity : role.NodeIdentities) {
    if (!identity || identity->NodeName.empty()) {
      return failed("Encountered a Role with an empty node identity name in the state store");
    }
    if (identity->Datacenter.empty()) {
      return failed("Encountered a Role with an empty node identity datacenter in the state store");
    }
  }
  return {};
}

Result<> check_templated_policies(ACLRole& role) {
  const std::string encountered = "encountered a Role " + role.Name + " (" + role.ID + ") with an ";
  for (auto& policy : role.TemplatedPolicies) {
    if (!policy || policy->TemplateName.empty()) {
      return failed(encountered + "empty templated policy name in the state store");
    }
    const PolicyTemplate* base = find_policy_template(policy->TemplateName);
    if (!base) return failed(encountered + "invalid templated policy name " + base::quote(policy->TemplateName));
    if (policy->TemplateID.empty()) policy->TemplateID = base->id;
    if (Result<> valid = validate_templated_policy(*policy, *base); !valid) {
      return failed(encountered + "invalid templated policy: " + valid.error().detail);
    }
  }
  return {};
}

Result<> set(Transaction& tx, ACLRole role, bool allow_missing_links) {
  if (role.ID.empty()) return failed("Missing ACL Role ID");
  if (role.Name.empty()) return failed("Missing ACL Role Name");
  const ACLRole* same_name = role_by_name(tx.tables(), role.Name);
  if (same_name && same_name->ID != role.ID) {
    return failed("A role with name " + base::quote(role.Name) + " already exists");
  }
  Result<std::size_t> named =
      name_links(role.Policies, policy_name, allow_missing_links, tx.tables(), {"Role", "policies", "policy"});
  if (!named) return named.error();
  if (Result<> checked = check_identities(role); !checked) return checked;
  if (Result<> checked = check_templated_policies(role); !checked) return checked;
  const ACLRole* old = role_by_id(tx.tables(), role.ID);
  role.CreateIndex = old ? old->CreateIndex : tx.index();
  role.ModifyIndex = tx.index();
  insert_rows(tx, std::move(role));
  tx.set_index(kRoles);
  return {};
}

}  // namespace

Result<> apply_acl_policies(Transaction& tx, ACLPolicyBatchSetRequest request) {
  return tx.atomically([&]() -> Result<> {
    for (auto& policy : request.Policies) {
      if (!policy) continue;
      if (Result<> done = set(tx, std::move(*policy)); !done) return done;
    }
    return {};
  });
}

Result<> apply_acl_policy_deletes(Transaction& tx, const ACLPolicyBatchDeleteRequest& request) {
  return tx.atomically([&]() -> Result<> {
    for (const std::string& id : request.PolicyIDs) {
      const ACLPolicy* policy = policy_by_id(tx.tables(), id);
      if (!policy) continue;
      if (const ACLPolicy* builtin = builtin_policy(policy->ID)) {
        return failed("Deletion of the builtin " + builtin->Name + " policy is not permitted");
      }
      tx.tables().acl_policies_by_name.erase(index_key({policy->Name}));
      tx.tables().acl_policies.erase(index_key({id}));
      tx.touch(Topic::acl_policy, index_key({id}));
      tx.set_index(kPolicies);
    }
    return {};
  });
}

void restore_acl_policy(Transaction& tx, ACLPolicy policy) {
  tx.raise_index(kPolicies, policy.ModifyIndex);
  insert_rows(tx, std::move(policy));
}

Result<> apply_acl_roles(Transaction& tx, ACLRoleBatchSetRequest request) {
  return tx.atomically([&]() -> Result<> {
    for (auto& role : request.Roles) {
      if (!role) continue;
      if (Result<> done = set(tx, std::move(*role), request.AllowMissingLinks); !done) return done;
    }
    return {};
  });
}

Result<> apply_acl_role_deletes(Transaction& tx, const ACLRoleBatchDeleteRequest& request) {
  for (const std::string& id : request.RoleIDs) {
    const ACLRole* role = role_by_id(tx.tables(), id);
    if (!role) continue;
    erase_rows(tx, role);
    tx.set_index(kRoles);
  }
  return {};
}

void restore_acl_role(Transaction& tx, ACLRole role) {
  tx.raise_index(kRoles, role.ModifyIndex);
  insert_rows(tx, std::move(role));
}

const ACLPolicy* policy_by_id(const Tables& tables, std::string_view id) {
  return tables.acl_policies.get(index_key({id}));
}

const ACLPolicy* policy_by_name(const Tables& tables, std::string_view name) {
  return tables.acl_policies_by_name.get(index_key({name}));
}

const ACLRole* role_by_id(const Tables& tables, std::string_view id) {
  return tables.acl_roles.get(index_key({id}));
}

const ACLRole* role_by_name(const Tables& tables, std::string_view name) {
  return tables.acl_roles_by_name.get(index_key({name}));
}

void watch_policy(const ACLPolicy* policy, base::KeySet* watch) {
  policy ? watch_key(watch, Topic::acl_policy, index_key({policy->ID})) : watch_key(watch, Topic::index, kPolicies);
}

void watch_role(const ACLRole* role, base::KeySet* watch) {
  role ? watch_key(watch, Topic::acl_role, index_key({role->ID})) : watch_key(watch, Topic::index, kRoles);
}

ACLRole with_current_links(const Tables& tables, ACLRole role) {
  drop_dead_links(role.Policies, policy_name, tables);
  return role;
}

}  // namespace proconsul::catalog
