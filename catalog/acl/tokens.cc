#include "catalog/acl/tokens.h"

#include <utility>
#include <vector>

#include "catalog/acl/builtin.h"
#include "catalog/acl/hash.h"
#include "catalog/acl/links.h"
#include "catalog/store/key.h"

namespace proconsul::catalog {
namespace {

using base::Errc;
using base::Error;
using base::Result;

constexpr std::string_view kTokens = "acl-tokens";
constexpr std::string_view kBootstrap = "acl-token-bootstrap";

Error failed(std::string detail) {
  return {Errc::internal, std::move(detail)};
}

/// Sorts by time; ends with the accessor.
std::string expiry_key(const ACLToken& token) {
  std::string key;
  const auto put = [&](std::uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) key += static_cast<char>(value >> (8 * i));
  };
  put(static_cast<std::uint64_t>(token.ExpirationTime->seconds), 8);
  put(static_cast<std::uint32_t>(token.ExpirationTime->nanoseconds), 4);
  return key + index_key({token.AccessorID});
}

/// Every index that a token stands in, with its key there; some keys more than once.
template <class Visit>
void each_index(Tables& tables, const ACLToken& token, Visit visit) {
  visit(tables.acl_tokens, index_key({token.AccessorID}));
  visit(tables.acl_tokens_by_secret, token.SecretID);
  for (const auto& link : token.Policies) visit(tables.acl_tokens_by_policy, index_key({link.ID, token.AccessorID}));
  for (const auto& link : token.Roles) visit(tables.acl_tokens_by_role, index_key({link.ID, token.AccessorID}));
  for (const auto& identity : token.ServiceIdentities) {
    if (identity) visit(tables.acl_tokens_by_service, index_key({identity->ServiceName, token.AccessorID}));
  }
  for (const auto& policy : token.TemplatedPolicies) {
    if (!policy || policy->TemplateName != kServiceTemplate || !policy->TemplateVariables) continue;
    const std::string& service = policy->TemplateVariables->Name;
    if (!service.empty()) visit(tables.acl_tokens_by_service, index_key({service, token.AccessorID}));
  }
  if (has_end(token)) visit(tables.acl_tokens_by_expiry, expiry_key(token));
  if (!token.AuthMethod.empty()) {
    visit(tables.acl_tokens_by_method, index_key({token.AuthMethod, token.AccessorID}));
  }
}

void erase_rows(Transaction& tx, const ACLToken* token) {
  const auto kept = base::RowPtr<ACLToken>::share(static_cast<const base::Row<ACLToken>*>(token));
  each_index(tx.tables(), *kept, [](auto& table, const std::string& key) { table.erase(key); });
  tx.touch(Topic::acl_token, index_key({kept->AccessorID}));
}

void insert_rows(Transaction& tx, ACLToken token) {
  if (const ACLToken* old = token_by_accessor(tx.tables(), token.AccessorID)) erase_rows(tx, old);
  // The leader gives every secret once; should one come twice, it is the last one's.
  if (const ACLToken* other = token_by_secret(tx.tables(), token.SecretID)) erase_rows(tx, other);
  const auto row = base::make_row(std::move(token));
  each_index(tx.tables(), *row, [&](auto& table, const std::string& key) { table.insert(key, row); });
  tx.touch(Topic::acl_token, index_key({row->AccessorID}));
}

Result<> check_identities(const ACLToken& token) {
  for (const auto& identity : token.ServiceIdentities) {
    if (!identity || identity->ServiceName.empty()) {
      return failed("Encountered a Token with an empty service identity name in the state store");
    }
  }
  for (const auto& identity : token.NodeIdentities) {
    if (!identity || identity->NodeName.empty()) {
      return failed("Encountered a Token with an empty node identity name in the state store");
    }
    if (identity->Datacenter.empty()) {
      return failed("Encountered a Token with an empty node identity datacenter in the state store");
    }
  }
  return {};
}

Result<> set(Transaction& tx, ACLToken token, const ACLTokenBatchSetRequest& options) {
  if (token.SecretID.empty()) return failed("Missing ACL Token SecretID");
  if (token.AccessorID.empty()) return failed("Missing ACL Token AccessorID");
  if (options.FromReplication && token.Local) return failed("Cannot replicate local tokens");
  const ACLToken* old = token_by_accessor(tx.tables(), token.AccessorID);
  if (options.CAS && token.ModifyIndex != (old ? old->ModifyIndex : 0)) return {};

  Result<std::size_t> policies =
      name_links(token.Policies, policy_name, options.AllowMissingLinks, tx.tables(), {"Token", "policies", "policy"});
  if (!policies) return policies.error();
  Result<std::size_t> roles =
      name_links(token.Roles, role_name, options.AllowMissingLinks, tx.tables(), {"Token", "roles", "role"});
  if (!roles) return roles.error();
  if (!token.AuthMethod.empty() && !options.FromReplication &&
      !tx.tables().acl_auth_methods.contains(index_key({token.AuthMethod}))) {
    return failed("No such auth method with Name: " + token.AuthMethod);
  }
  if (Result<> checked = check_identities(token); !checked) return checked;
  if (options.ProhibitUnprivileged && *policies == 0 && *roles == 0 && token.ServiceIdentities.empty() &&
      token.NodeIdentities.empty() && token.TemplatedPolicies.empty()) {
    return failed("Token has no privileges");
  }
  if (old && token.AccessorID != old->AccessorID) return failed("The ACL Token AccessorID field is immutable");
  if (old && token.SecretID != old->SecretID) return failed("The ACL Token SecretID field is immutable");

  token.CreateIndex = old ? old->CreateIndex : tx.index();
  token.ModifyIndex = tx.index();
  if (token.Hash.empty()) token.Hash = hash_of(token);
  insert_rows(tx, std::move(token));
  tx.set_index(kTokens);
  return {};
}

}  // namespace

Result<> apply_acl_bootstrap(Transaction& tx, ACLTokenBootstrapRequest request) {
  if (const std::uint64_t last = acl_bootstrap_index(tx.tables()); last != 0) {
    if (request.ResetIndex == 0) return failed("ACL bootstrap no longer allowed");
    if (request.ResetIndex != last) return failed("Invalid ACL bootstrap reset index");
  }
  if (Result<> done = set(tx, std::move(request.Token), {}); !done) {
    return failed("failed inserting bootstrap token: " + done.error().detail);
  }
  tx.set_index(kBootstrap);
  return {};
}

Result<> apply_acl_tokens(Transaction& tx, ACLTokenBatchSetRequest request) {
  return tx.atomically([&]() -> Result<> {
    for (auto& token : request.Tokens) {
      if (!token) continue;
      if (Result<> done = set(tx, std::move(*token), request); !done) return done;
    }
    return {};
  });
}

Result<> apply_acl_token_deletes(Transaction& tx, const ACLTokenBatchDeleteRequest& request) {
  return tx.atomically([&]() -> Result<> {
    for (const std::string& accessor : request.TokenIDs) {
      const ACLToken* token = token_by_accessor(tx.tables(), accessor);
      if (!token) continue;
      if (token->AccessorID == kAnonymousAccessor) {
        return failed("Deletion of the builtin anonymous token is not permitted");
      }
      erase_rows(tx, token);
      tx.set_index(kTokens);
    }
    return {};
  });
}

void restore_acl_token(Transaction& tx, ACLToken token) {
  if (token.Hash.empty()) token.Hash = hash_of(token);  // tokens that were once converted may lack it
  tx.raise_index(kTokens, token.ModifyIndex);
  insert_rows(tx, std::move(token));
}

void erase_tokens_of_method(Transaction& tx, const ACLAuthMethod& method) {
  const bool global = method.TokenLocality == "global";
  std::vector<base::RowPtr<ACLToken>> tokens;
  for (const auto [key, row] : tx.tables().acl_tokens_by_method.prefix(index_key({method.Name}))) {
    if (global != row->Local) tokens.push_back(base::RowPtr<ACLToken>::share(row));
  }
  for (const auto& token : tokens) erase_rows(tx, token.get());
  if (!tokens.empty()) tx.set_index(kTokens);
}

void watch_token(const ACLToken* token, base::KeySet* watch) {
  token ? watch_key(watch, Topic::acl_token, index_key({token->AccessorID})) : watch_key(watch, Topic::index, kTokens);
}

const ACLToken* token_by_accessor(const Tables& tables, std::string_view accessor) {
  return tables.acl_tokens.get(index_key({accessor}));
}

const ACLToken* token_by_secret(const Tables& tables, std::string_view secret) {
  return tables.acl_tokens_by_secret.get(secret);
}

ACLToken with_current_links(const Tables& tables, ACLToken token) {
  drop_dead_links(token.Policies, policy_name, tables);
  drop_dead_links(token.Roles, role_name, tables);
  return token;
}

bool has_end(const ACLToken& token) {
  return token.ExpirationTime && !token.ExpirationTime->is_zero();
}

EndingTokens ending_tokens(const Tables& tables, const base::Time& now, std::size_t most, bool only_local) {
  EndingTokens found;
  for (const auto [key, token] : tables.acl_tokens_by_expiry.all()) {
    if (only_local && !token->Local) continue;
    if (!is_over(*token, now) || found.over.size() == most) {
      found.next = *token->ExpirationTime;
      break;
    }
    found.over.push_back(token->AccessorID);
  }
  return found;
}

std::uint64_t acl_bootstrap_index(const Tables& tables) {
  return tables.index_of(kBootstrap);
}

}  // namespace proconsul::catalog
