#include "agent/server/acl_duties.h"

#include <algorithm>
#include <utility>

#include "agent/server/acl_links.h"
#include "catalog/acl/builtin.h"
#include "catalog/acl/hash.h"
#include "catalog/acl/policies.h"
#include "catalog/acl/tokens.h"
#include "catalog/commands.h"
#include "catalog/store/store.h"

namespace proconsul::agent::server {

using base::Result;
using catalog::ACLPolicy;
using catalog::ACLToken;
using catalog::Command;
using catalog::Tables;

namespace {

// A token that is over is refused at once; how soon it goes matters to nobody.
constexpr base::Duration kReapInterval = base::seconds(1);
constexpr base::Duration kIdle = base::seconds(5);
constexpr std::size_t kMostAtOnce = 4096;

}  // namespace

AclDuties::AclDuties(AclSettings settings, Server& server, Apply apply, const base::Clock& clock)
    : settings_(std::move(settings)), server_(server), apply_(std::move(apply)), clock_(clock) {}

Result<> AclDuties::begin() {
  if (!settings_.enabled) return {};
  // Anything else comes from the primary (acl_replication.h).
  if (!settings_.in_primary()) return remove_redacted_token(server_.view()->tables());
  log_.info("initializing acls");
  for (const auto step :
       {&AclDuties::write_builtin_policies, &AclDuties::write_management_token, &AclDuties::write_anonymous_token}) {
    const auto view = server_.view();  // as the step before left it
    if (Result<> done = (this->*step)(view->tables()); !done) return done;
  }
  return {};
}

/// Old servers copied a token as it is shown to those who may not see secrets: whoever sent that had its rights.
Result<> AclDuties::remove_redacted_token(const Tables& tables) {
  const ACLToken* token = catalog::token_by_secret(tables, "<hidden>");
  if (!token) return {};
  catalog::ACLTokenBatchDeleteRequest request;
  request.TokenIDs.push_back(token->AccessorID);
  if (Result<> done = apply_(catalog::encode_command(Command::acl_token_delete, request)); !done) {
    return {done.error().code, "failed to remove token with a redacted secret: " + done.error().detail};
  }
  return {};
}

Result<> AclDuties::write_builtin_policies(const Tables& tables) {
  for (ACLPolicy policy : catalog::builtin_policies()) {
    const ACLPolicy* old = catalog::policy_by_id(tables, policy.ID);
    if (old && old->Rules == policy.Rules) continue;
    // An operator may have given it another name.
    if (old) policy.Name = old->Name;
    if (old) policy.Description = old->Description;
    policy.Hash = catalog::hash_of(policy);
    const std::string name = policy.Name;
    catalog::ACLPolicyBatchSetRequest request;
    request.Policies.emplace_back().emplace() = std::move(policy);
    if (Result<> done = apply_(catalog::encode_command(Command::acl_policy_set, request)); !done) {
      return {done.error().code, "failed to create " + name + " policy: " + done.error().detail};
    }
    log_.info("Created ACL '" + name + "' policy");
  }
  return {};
}

Result<> AclDuties::write_management_token(const Tables& tables) {
  const std::string& secret = settings_.initial_management;
  if (secret.empty() || catalog::token_by_secret(tables, secret)) return {};
  if (!base::parse_uuid(secret)) log_.warn("Configuring a non-UUID management token is deprecated");
  catalog::ACLTokenBootstrapRequest bootstrap;
  ACLToken& token = bootstrap.Token;
  token.AccessorID = new_id([&](std::string_view id) { return catalog::token_by_accessor(tables, id) != nullptr; });
  token.SecretID = secret;
  token.Description = "Initial Management Token";
  token.Policies.push_back({.ID = std::string(catalog::kGlobalManagementID), .Name = {}});
  token.CreateTime = clock_.wall();
  token.Hash = catalog::hash_of(token);
  if (catalog::acl_bootstrap_index(tables) == 0) {
    if (Result<> done = apply_(catalog::encode_command(Command::acl_bootstrap, bootstrap)); done) {
      log_.info("Bootstrapped ACL token from configuration", {{"description", token.Description}});
      return {};
    }
  }
  catalog::ACLTokenBatchSetRequest request;
  request.Tokens.emplace_back().emplace() = token;
  if (Result<> done = apply_(catalog::encode_command(Command::acl_token_set, request)); !done) {
    return {done.error().code, "failed to create Initial Management Token: " + done.error().detail};
  }
  log_.info("Created ACL token from configuration", {{"description", token.Description}});
  return {};
}

Result<> AclDuties::write_anonymous_token(const Tables& tables) {
  if (catalog::token_by_secret(tables, "anonymous")) return {};
  ACLToken token;
  token.AccessorID = catalog::kAnonymousAccessor;
  token.SecretID = "anonymous";
  token.Description = "Anonymous Token";
  token.CreateTime = clock_.wall();
  token.Hash = catalog::hash_of(token);
  catalog::ACLTokenBatchSetRequest request;
  request.Tokens.emplace_back().emplace() = std::move(token);
  if (Result<> done = apply_(catalog::encode_command(Command::acl_token_set, request)); !done) {
    return {done.error().code, "failed to create anonymous token: " + done.error().detail};
  }
  log_.info("Created ACL anonymous token from configuration");
  return {};
}

base::MonotonicTime AclDuties::reap() {
  const auto view = server_.view();
  const base::Time now = clock_.wall();
  const catalog::EndingTokens ending =
      catalog::ending_tokens(view->tables(), now, kMostAtOnce, !settings_.in_primary());
  if (!ending.over.empty()) {
    log_.info("deleting expired ACL tokens", {{"amount", ending.over.size()}});
    catalog::ACLTokenBatchDeleteRequest request;
    for (const std::string& accessor : ending.over) request.TokenIDs.push_back(accessor);
    if (Result<> done = apply_(catalog::encode_command(Command::acl_token_delete, request)); !done) {
      log_.error("error reaping expired ACL tokens", {{"error", done.error()}});
      return clock_.now() + kReapInterval;
    }
  }
  if (!ending.next) return clock_.now() + kIdle;
  const base::Duration wait = *ending.next - now;
  return clock_.now() + std::clamp(wait, kReapInterval, kIdle);
}

}  // namespace proconsul::agent::server
