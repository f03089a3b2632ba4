// Tokens: what commands do to them, and how they are found.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
/// What is waited for who has read this one alone; null: nothing was found, so it is any token.
void watch_token(const ACLToken* token, base::KeySet* watch);
/// The token with links to what still exists, under its present name.
ACLToken with_current_links(const Tables& tables, ACLToken token);

/// Has the token an end, and is that over?
bool has_end(const ACLToken& token);
inline bool is_over(const ACLToken& token, const base::Time& now) {
  return has_end(token) && *token.ExpirationTime < now;
}
/// When the token ends that ends first, and the accessors of those that are over, at most so many. What belongs to
/// another datacenter is not counted: only local ones if `only_local`.
struct EndingTokens {
  std::optional<base::Time> next{};
  std::vector<std::string> over{};
};
EndingTokens ending_tokens(const Tables& tables, const base::Time& now, std::size_t most, bool only_local = false);

/// The index of the last bootstrap; 0 if there was none.
std::uint64_t acl_bootstrap_index(const Tables& tables);

}  // namespace proconsul::catalog
