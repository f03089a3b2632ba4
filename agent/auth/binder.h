// Binding rules: which token somebody gets who is known.
#pragma once

#include "agent/auth/identity.h"
#include "base/result.h"
#include "catalog/store/tables.h"
#include "catalog/types/acl.h"

namespace proconsul::agent::auth {

/// Whether a rule makes sense for a method whose identities are like `nobody`: its selector, and what it binds to.
/// Errors have Consul's texts.
base::Result<> check_selector(const catalog::ACLBindingRule& rule, const Identity& nobody);
base::Result<> check_binding(const catalog::ACLBindingRule& rule, const Identity& nobody);

/// Adds to the token what the rules of its auth method (ACLToken::AuthMethod) give this identity in this datacenter.
/// Roles and policies that are not there give nothing; a name that no role or service could have is an error.
base::Result<> bind(const catalog::Tables& tables, const Identity& identity, const std::string& datacenter,
                    catalog::ACLToken& token);
/// Whether anything is bound to it.
bool is_bound(const catalog::ACLToken& token);

}  // namespace proconsul::agent::auth
