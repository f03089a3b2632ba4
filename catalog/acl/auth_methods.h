// Auth methods and binding rules: what commands do to them.
#pragma once

#include "base/result.h"
#include "catalog/store/store.h"
#include "catalog/types/acl.h"

namespace proconsul::catalog {

/// All of them or none.
base::Result<> apply_acl_auth_methods(Transaction& tx, ACLAuthMethodBatchSetRequest request);
/// With a method go its binding rules and the tokens of its logins.
void apply_acl_auth_method_deletes(Transaction& tx, const ACLAuthMethodBatchDeleteRequest& request);
void restore_acl_auth_method(Transaction& tx, ACLAuthMethod method);
base::Result<> apply_acl_binding_rules(Transaction& tx, ACLBindingRuleBatchSetRequest request);
void apply_acl_binding_rule_deletes(Transaction& tx, const ACLBindingRuleBatchDeleteRequest& request);
void restore_acl_binding_rule(Transaction& tx, ACLBindingRule rule);

}  // namespace proconsul::catalog
