// Tokens: what commands do to them, and how they are found.
#pragma once

#include <string_view>

#include "base/result.h"
#include "catalog/store/store.h"
#include "catalog/types/acl.h"

namespace proconsul::catalog {

/// The first token of a datacenter; later ones only with the index of the last bootstrap.
base::Result<> apply_acl_bootstrap(Transaction& tx, ACLTokenBootstrapRequest request);
/// All of them or none.
base::Result<> apply_acl_tokens(Transaction& tx, ACLTokenBatchSetRequest request);
base::Result<> apply_acl_token_deletes(Transaction& tx, const ACLTokenBatchDeleteRequest& request);
void restore_acl_token(Transaction& tx, ACLToken token);

/// Part of the deletion of an auth method: the tokens of its logins that belong to this datacenter.
void erase_tokens_of_method(Transaction& tx, const ACLAuthMethod& method);

/// Null if there is none. Links still have the names of when the token was written: see with_current_links().
const ACLToken* token_by_accessor(const Tables& tables, std::string_view accessor);
const ACLToken* token_by_secret(const Tables& tables, std::string_view secret);
/// The token with links to what still exists, under its present name.
ACLToken with_current_links(const Tables& tables, ACLToken token);

/// The index of the last bootstrap; 0 if there was none.
std::uint64_t acl_bootstrap_index(const Tables& tables);

}  // namespace proconsul::catalog
