// Policies and roles: what commands do to them, and how they are found.
#pragma once

#include <string_view>

#include "base/result.h"
#include "catalog/store/store.h"
#include "catalog/types/acl.h"

namespace proconsul::catalog {

/// All of them or none. The builtin policies keep their rules.
base::Result<> apply_acl_policies(Transaction& tx, ACLPolicyBatchSetRequest request);
base::Result<> apply_acl_policy_deletes(Transaction& tx, const ACLPolicyBatchDeleteRequest& request);
void restore_acl_policy(Transaction& tx, ACLPolicy policy);
base::Result<> apply_acl_roles(Transaction& tx, ACLRoleBatchSetRequest request);
base::Result<> apply_acl_role_deletes(Transaction& tx, const ACLRoleBatchDeleteRequest& request);
void restore_acl_role(Transaction& tx, ACLRole role);

/// Null if there is none. Names in any letter case.
const ACLPolicy* policy_by_id(const Tables& tables, std::string_view id);
const ACLPolicy* policy_by_name(const Tables& tables, std::string_view name);
const ACLRole* role_by_id(const Tables& tables, std::string_view id);
const ACLRole* role_by_name(const Tables& tables, std::string_view name);
/// What is waited for who has read this one alone; null: nothing was found, so it is any of its table.
void watch_policy(const ACLPolicy* policy, base::KeySet* watch);
void watch_role(const ACLRole* role, base::KeySet* watch);
/// The role with links to policies that still exist, under their present names.
ACLRole with_current_links(const Tables& tables, ACLRole role);

}  // namespace proconsul::catalog
