#include <charconv>
#include <filesystem>
#include <fstream>
#include <utility>

#include "agent/server/acl_changes.h"
#include "agent/server/acl_links.h"
#include "base/clock.h"
#include "base/log.h"
#include "catalog/acl/hash.h"
#include "catalog/acl/policies.h"
#include "catalog/acl/tokens.h"
#include "catalog/commands.h"
#include "catalog/store/store.h"

namespace proconsul::agent::server {

using base::Errc;
using base::Error;
using base::Result;
using catalog::ACLToken;
using catalog::Command;
using catalog::Tables;

namespace {

const base::log::Logger kLog("agent.server.acl");

Error failed(std::string detail) {
  return {Errc::internal, std::move(detail)};
}
Error not_found(std::string detail) {
  return {Errc::permission_denied, std::move(detail)};
}

bool is_taken(const Tables& tables, std::string_view id) {
  return catalog::token_by_accessor(tables, id) != nullptr || catalog::token_by_secret(tables, id) != nullptr;
}

using catalog::has_end;

bool is_over(const ACLToken& token) {
  return catalog::is_over(token, base::system_clock().wall());
}

/// An id that the request brings along, or a new one.
Result<> settle_id(const Tables& tables, std::string& id, std::string_view what) {
  if (id.empty()) {
    id = new_id([&](std::string_view made) { return is_taken(tables, made); });
    return {};
  }
  const std::string invalid = "Invalid Token: " + std::string(what);
  if (id.starts_with(catalog::kReservedIDPrefix)) {
    return failed(invalid + " - UUIDs with the prefix " + base::quote(catalog::kReservedIDPrefix) + " are reserved");
  }
  if (!base::parse_uuid(id)) return failed(invalid + " - not a valid UUID");
  if (is_taken(tables, id)) return failed(invalid + " is already in use");
  return {};
}

Result<> settle_end(const AclSettings& settings, ACLToken& token) {
  if (token.ExpirationTTL.nanoseconds < 0) {
    return failed("Token Expiration TTL '" + to_string(token.ExpirationTTL) + "' should be > 0");
  }
  if (token.ExpirationTTL.nanoseconds > 0) {
    if (has_end(token)) return failed("Token Expiration TTL and Expiration Time cannot both be set");
    token.ExpirationTime.emplace() = token.CreateTime + token.ExpirationTTL;
    token.ExpirationTTL = {};
  }
  if (!has_end(token)) return {};
  if (*token.ExpirationTime < token.CreateTime) return failed("ExpirationTime cannot be before CreateTime");
  const base::Duration life = *token.ExpirationTime - token.CreateTime;
  const auto outside = [&](std::string_view bound, base::Duration limit) {
    return failed("ExpirationTime cannot be " + std::string(bound) + " than " + to_string(limit) +
                  " in the future (was " + to_string(life) + ")");
  };
  if (life > settings.longest_life) return outside("more", settings.longest_life);
  if (life < settings.shortest_life) return outside("less", settings.shortest_life);
  return {};
}

/// Of a login: its roles may have gone in the meantime, but something it must be good for.
enum class Origin : bool { request, login };

void write(Server& server, const Tables& tables, ACLToken token, Origin origin, Answered<ACLToken> done) {
  const auto role_of = [&](std::string_view id) { return catalog::role_by_id(tables, id); };
  const auto role_named = [&](std::string_view name) { return catalog::role_by_name(tables, name); };
  const auto policy_of = [&](std::string_view id) { return catalog::policy_by_id(tables, id); };
  const auto policy_named = [&](std::string_view name) { return catalog::policy_by_name(tables, name); };
  Result<> settled = settle_links(token.Roles, "role", true, role_of, role_named);
  if (settled) settled = settle_links(token.Policies, "policy", true, policy_of, policy_named);
  if (settled) settled = settle_service_identities(token.ServiceIdentities, "token", token.Local);
  if (settled) settled = settle_node_identities(token.NodeIdentities, "token");
  if (settled) settled = settle_templated_policies(token.TemplatedPolicies, "token");
  if (!settled) return done(settled.error());
  token.Hash = catalog::hash_of(token);
  std::string accessor = token.AccessorID;
  catalog::ACLTokenBatchSetRequest request;
  request.Tokens.emplace_back().emplace() = std::move(token);
  request.AllowMissingLinks = request.ProhibitUnprivileged = origin == Origin::login;
  server.apply(
      catalog::encode_command(Command::acl_token_set, request),
      [&server, accessor = std::move(accessor), done = std::move(done)](Result<catalog::ApplyResult> result) mutable {
        const Error* error = result ? result->error() : &result.error();
        if (error) return done(Error{error->code, "Failed to apply token write request: " + error->detail});
        const auto view = server.view();
        const ACLToken* written = catalog::token_by_accessor(view->tables(), accessor);
        if (!written) return done(failed("Failed to retrieve token after insertion"));
        done(catalog::with_current_links(view->tables(), *written));
      });
}

/// 0: there is none.
std::uint64_t reset_index(const AclSettings& settings) {
  if (settings.data_directory.empty()) return 0;
  std::ifstream file(std::filesystem::path(settings.data_directory) / "acl-bootstrap-reset");
  std::uint64_t index = 0;
  return file >> index ? index : 0;
}

void create(Server& server, const AclSettings& settings, ACLToken token, Origin origin, Answered<ACLToken> done) {
  const auto view = server.view();
  const Tables& tables = view->tables();
  if (Result<> ok = settle_id(tables, token.AccessorID, "AccessorID"); !ok) return done(ok.error());
  if (Result<> ok = settle_id(tables, token.SecretID, "SecretID"); !ok) return done(ok.error());
  token.CreateTime = base::system_clock().wall();
  if (Result<> ok = settle_end(settings, token); !ok) return done(ok.error());
  if (origin == Origin::request && !token.AuthMethod.empty()) {
    return done(failed("AuthMethod field is disallowed outside of login"));
  }
  write(server, tables, std::move(token), origin, std::move(done));
}

}  // namespace

void bootstrap_acls(Server& server, const AclSettings& settings, std::string secret, Answered<ACLToken> done) {
  const auto view = server.view();
  const Tables& tables = view->tables();
  catalog::ACLTokenBootstrapRequest request;
  if (const std::uint64_t last = catalog::acl_bootstrap_index(tables); last != 0) {
    request.ResetIndex = reset_index(settings);
    if (request.ResetIndex == 0) {
      return done(failed("ACL bootstrap no longer allowed (reset index: " + std::to_string(last) + ")"));
    }
    if (request.ResetIndex != last) {
      return done(failed("Invalid bootstrap reset index (specified " + std::to_string(request.ResetIndex) +
                         ", reset index: " + std::to_string(last) + ")"));
    }
  }
  if (!settings.data_directory.empty()) {
    std::error_code ignored;
    std::filesystem::remove(std::filesystem::path(settings.data_directory) / "acl-bootstrap-reset", ignored);
  }
  const auto taken = [&](std::string_view id) { return is_taken(tables, id); };
  ACLToken& token = request.Token;
  token.AccessorID = new_id(taken);
  if (secret.empty()) {
    secret = new_id(taken);
  } else {
    if (auto parsed = base::parse_uuid(secret); !parsed) return done(failed(parsed.error().detail));
    if (secret.starts_with(catalog::kReservedIDPrefix) || taken(secret)) {
      return done(failed("Provided token cannot be used because a token with that secret already exists."));
    }
  }
  token.SecretID = std::move(secret);
  token.Description = "Bootstrap Token (Global Management)";
  token.Policies.push_back({.ID = std::string(catalog::kGlobalManagementID), .Name = {}});
  token.CreateTime = base::system_clock().wall();
  token.Hash = catalog::hash_of(token);
  std::string accessor = token.AccessorID;
  server.apply(
      catalog::encode_command(Command::acl_bootstrap, request),
      [&server, accessor = std::move(accessor), done = std::move(done)](Result<catalog::ApplyResult> result) mutable {
        if (!result) return done(result.error());
        if (const Error* error = result->error()) return done(*error);
        kLog.info("ACL bootstrap completed");
        const auto view = server.view();
        const ACLToken* token = catalog::token_by_accessor(view->tables(), accessor);
        done(token ? catalog::with_current_links(view->tables(), *token) : ACLToken{});
      });
}

void create_token(Server& server, const AclSettings& settings, ACLToken token, Answered<ACLToken> done) {
  create(server, settings, std::move(token), Origin::request, std::move(done));
}

void create_login_token(Server& server, const AclSettings& settings, ACLToken token, Answered<ACLToken> done) {
  create(server, settings, std::move(token), Origin::login, std::move(done));
}

void update_token(Server& server, ACLToken token, Answered<ACLToken> done) {
  const auto view = server.view();
  const Tables& tables = view->tables();
  const std::string& accessor = token.AccessorID;
  if (!base::parse_uuid(accessor)) return done(failed("AccessorID is not a valid UUID"));
  if (token.SecretID == "allow" || token.SecretID == "deny" || token.SecretID == "manage") {
    return done(Error{Errc::permission_denied, "Permission denied: Cannot modify root ACL"});
  }
  const ACLToken* old = catalog::token_by_accessor(tables, accessor);
  if (!old || is_over(*old)) return done(failed("Cannot find token " + base::quote(accessor)));
  if (token.SecretID.empty()) token.SecretID = old->SecretID;
  if (token.SecretID != old->SecretID) return done(failed("Changing a token's SecretID is not permitted"));
  if (token.Local != old->Local) return done(failed("Cannot toggle local mode of " + accessor));
  if (token.AuthMethod.empty()) token.AuthMethod = old->AuthMethod;
  if (token.AuthMethod != old->AuthMethod) return done(failed("Cannot change AuthMethod of " + accessor));
  const bool other_end = has_end(token) && (!has_end(*old) || *token.ExpirationTime != *old->ExpirationTime);
  if (token.ExpirationTTL.nanoseconds != 0 || other_end) {
    return done(failed("Cannot change expiration time of " + accessor));
  }
  token.ExpirationTime = old->ExpirationTime;
  token.CreateTime = old->CreateTime;
  write(server, tables, std::move(token), Origin::request, std::move(done));
}

void clone_token(Server& server, const AclSettings& settings, std::string_view accessor, std::string description,
                 Answered<ACLToken> done) {
  const auto view = server.view();
  const ACLToken* found = catalog::token_by_accessor(view->tables(), accessor);
  if (!found) return done(not_found("token does not exist: ACL not found"));
  if (is_over(*found)) return done(not_found("token is expired: ACL not found"));
  if (!found->AuthMethod.empty()) return done(failed("Cannot clone a token created from an auth method"));
  ACLToken clone = catalog::with_current_links(view->tables(), *found);
  clone.AccessorID.clear();
  clone.SecretID.clear();
  if (!description.empty()) clone.Description = std::move(description);
  create_token(server, settings, std::move(clone), std::move(done));
}

void delete_token(Server& server, std::string_view accessor, std::string_view asking, Answered<std::string> done) {
  if (!base::parse_uuid(accessor)) return done(failed("Accessor ID is missing or an invalid UUID"));
  if (accessor == catalog::kAnonymousAccessor) {
    return done(failed("Delete operation not permitted on the anonymous token"));
  }
  const auto view = server.view();
  const ACLToken* token = catalog::token_by_accessor(view->tables(), accessor);
  if (!token) return done(not_found("token does not exist: ACL not found"));
  if (asking == token->SecretID) {
    return done(failed("Deletion of the request's authorization token is not permitted"));
  }
  catalog::ACLTokenBatchDeleteRequest request;
  request.TokenIDs.emplace_back(accessor);
  server.apply(catalog::encode_command(Command::acl_token_delete, request),
               [accessor = token->AccessorID, done = std::move(done)](Result<catalog::ApplyResult> result) mutable {
                 const Error* error = result ? result->error() : &result.error();
                 if (error) return done(Error{error->code, "Failed to apply token delete request: " + error->detail});
                 done(std::move(accessor));
               });
}

}  // namespace proconsul::agent::server
