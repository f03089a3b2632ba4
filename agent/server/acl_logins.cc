#include "agent/server/acl_logins.h"

#include <chrono>
#include <utility>

#include "agent/auth/binder.h"
#include "agent/server/acl_changes.h"
#include "agent/server/acl_links.h"
#include "agent/server/acl_names.h"
#include "agent/server/acl_propose.h"
#include "base/json.h"
#include "base/metrics.h"
#include "base/quote.h"
#include "base/uuid.h"
#include "catalog/acl/tokens.h"
#include "catalog/store/key.h"

namespace proconsul::agent::server {

using base::Errc;
using base::Error;
using base::Result;
using catalog::ACLAuthMethod;
using catalog::ACLBindingRule;
using catalog::ACLToken;
using catalog::Command;
using catalog::Tables;

namespace {

Error failed(std::string detail) {
  return {Errc::internal, std::move(detail)};
}

const ACLAuthMethod* method_by_name(const Tables& tables, std::string_view name) {
  return tables.acl_auth_methods.get(catalog::index_key({name}));
}
const ACLBindingRule* rule_by_id(const Tables& tables, std::string_view id) {
  return tables.acl_binding_rules.get(catalog::index_key({id}));
}

Result<> check(const Tables& tables, const AclSettings& settings, ACLAuthMethod& method) {
  if (method.Name.empty()) return failed("Invalid Auth Method: no Name is set");
  if (!is_auth_method_name(method.Name)) {
    return failed("Invalid Auth Method: invalid Name. Only alphanumeric characters, '-' and '_' are allowed");
  }
  if (const ACLAuthMethod* old = method_by_name(tables, method.Name)) {
    if (method.Type.empty()) method.Type = old->Type;
    if (method.Type != old->Type) return failed("the Type field of an Auth Method is immutable");
  }
  if (!auth::is_known_type(method.Type)) {
    return failed("Invalid Auth Method: Type should be one of: [" + auth::known_types() + "]");
  }
  const base::Duration life = method.MaxTokenTTL;
  if (life.nanoseconds != 0) {
    const std::string what = "MaxTokenTTL " + to_string(life) + " cannot be ";
    if (life > settings.longest_life) return failed(what + "more than " + to_string(settings.longest_life));
    if (life < settings.shortest_life) return failed(what + "less than " + to_string(settings.shortest_life));
  }
  if (method.TokenLocality == "global") {
    if (!settings.in_primary()) {
      return failed("Invalid Auth Method: TokenLocality 'global' can only be used in the primary datacenter");
    }
  } else if (!method.TokenLocality.empty() && method.TokenLocality != "local") {
    return failed("Invalid Auth Method: TokenLocality should be one of 'local' or 'global'");
  }
  return {};
}

/// What can be said of a rule before its method is asked.
Result<> check(const Tables& tables, ACLBindingRule& rule) {
  if (rule.ID.empty()) {
    rule.ID = new_id([&](std::string_view id) { return rule_by_id(tables, id) != nullptr; });
  } else {
    if (!base::parse_uuid(rule.ID)) return failed("Binding Rule ID invalid UUID");
    const ACLBindingRule* old = rule_by_id(tables, rule.ID);
    if (!old) return failed("cannot find binding rule " + rule.ID);
    if (rule.AuthMethod.empty()) rule.AuthMethod = old->AuthMethod;
    if (rule.AuthMethod != old->AuthMethod) return failed("the AuthMethod field of an Binding Rule is immutable");
  }
  if (rule.AuthMethod.empty()) return failed("Invalid Binding Rule: no AuthMethod is set");
  return {};
}

Result<> check(const ACLBindingRule& rule, const auth::Identity& nobody) {
  if (Result<> selects = auth::check_selector(rule, nobody); !selects) {
    return failed("invalid Binding Rule: Selector is invalid: " + selects.error().detail);
  }
  if (rule.BindType.empty()) return failed("Invalid Binding Rule: no BindType is set");
  if (rule.BindName.empty()) return failed("Invalid Binding Rule: no BindName is set");
  if (rule.BindType != "templated-policy" && rule.BindVars) {
    return failed("invalid Binding Rule: BindVars cannot be set when bind type is not templated-policy.");
  }
  if (Result<> binds = auth::check_binding(rule, nobody); !binds) {
    return failed("Invalid Binding Rule: invalid BindName or BindVars: " + binds.error().detail);
  }
  return {};
}

std::string description_of(const Login& login) {
  const std::string text = "token created via login";
  return login.meta.empty() ? text : text + ": " + base::to_json(login.meta);
}

/// What came of logins: "success", "failure" (nobody knows him, or nothing is bound to him), "limited".
void count(const std::string& method, std::string_view outcome) {
  base::metrics::counter("acl.login." + std::string(outcome), {{"auth_method", method}}).add();
}

std::size_t tokens_of_logins(const Tables& tables, const std::string& method, std::size_t enough) {
  const base::Time now = base::system_clock().wall();
  std::size_t found = 0;
  for (const auto [key, token] : tables.acl_tokens_by_method.prefix(catalog::index_key({method}))) {
    if (!catalog::is_over(*token, now) && ++found >= enough) break;
  }
  return found;
}

/// Whoever is known gets his token.
void mint(Server& server, const AclSettings& settings, auth::LoginLimits& limits, const ACLAuthMethod& method,
          const auth::Identity& identity, std::string description, Answered<ACLToken> done) {
  ACLToken token;
  token.AuthMethod = method.Name;
  token.Description = std::move(description);
  token.Local = method.TokenLocality != "global";
  token.ExpirationTTL = method.MaxTokenTTL;
  const auto view = server.view();
  if (Result<> bound = auth::bind(view->tables(), identity, settings.datacenter, token); !bound) {
    return done(bound.error());
  }
  if (!auth::is_bound(token)) return done(Error{Errc::permission_denied, "Permission denied"});
  // Of the newest state: whoever has given up his place meanwhile has his token in it.
  Result<auth::LoginLimits::Place> place = limits.place(
      method.Name, [&](std::size_t enough) { return tokens_of_logins(server.view()->tables(), method.Name, enough); });
  if (!place) {
    count(method.Name, "limited");
    return done(place.error());
  }
  create_login_token(server, settings, std::move(token),
                     [done = std::move(done), place = std::move(*place)](Result<ACLToken> made) mutable {
                       place.reset();  // before he who is told comes again
                       // A role may have gone in the meantime.
                       if (!made && made.error().detail.find("Token has no privileges") != std::string::npos) {
                         return done(Error{Errc::permission_denied, "Permission denied"});
                       }
                       done(std::move(made));
                     });
}

}  // namespace

void set_auth_method(Server& server, const AclSettings& settings, auth::Logins& logins, ACLAuthMethod method,
                     Answered<ACLAuthMethod> done) {
  const auto view = server.view();
  if (Result<> checked = check(view->tables(), settings, method); !checked) return done(checked.error());
  ACLAuthMethod tried = method;
  logins.make(std::move(tried), [&server, method = std::move(method),
                                 done = std::move(done)](Result<auth::MethodPtr> made) mutable {
    if (!made) return done(failed("Invalid Auth Method: " + made.error().detail));
    std::string name = method.Name;
    catalog::ACLAuthMethodBatchSetRequest request;
    request.AuthMethods.emplace_back().emplace() = std::move(method);
    propose<ACLAuthMethod>(server, catalog::encode_command(Command::acl_auth_method_set, request), "auth method upsert",
                           std::move(done), [name = std::move(name)](const Tables& tables) {
                             const ACLAuthMethod* written = method_by_name(tables, name);
                             return written ? *written : ACLAuthMethod{};
                           });
  });
}

void delete_auth_method(Server& server, std::string_view name, Answered<bool> done) {
  const auto view = server.view();
  if (!method_by_name(view->tables(), name)) {
    return done(Error{Errc::permission_denied, "auth method does not exist: ACL not found"});
  }
  catalog::ACLAuthMethodBatchDeleteRequest request;
  request.AuthMethodNames.emplace_back(name);
  propose<bool>(server, catalog::encode_command(Command::acl_auth_method_delete, request), "auth method delete",
                std::move(done), [](const Tables&) { return true; });
}

void set_binding_rule(Server& server, auth::Logins& logins, ACLBindingRule rule, Answered<ACLBindingRule> done) {
  const auto view = server.view();
  if (Result<> checked = check(view->tables(), rule); !checked) return done(checked.error());
  const ACLAuthMethod* method = method_by_name(view->tables(), rule.AuthMethod);
  if (!method) return done(failed("cannot find auth method with name " + base::quote(rule.AuthMethod)));
  logins.use(*method, [&server, rule = std::move(rule), done = std::move(done)](Result<auth::MethodPtr> known) mutable {
    if (!known) return done(known.error());
    if (Result<> checked = check(rule, (*known)->nobody()); !checked) return done(checked.error());
    std::string id = rule.ID;
    catalog::ACLBindingRuleBatchSetRequest request;
    request.BindingRules.emplace_back().emplace() = std::move(rule);
    propose<ACLBindingRule>(server, catalog::encode_command(Command::acl_binding_rule_set, request),
                            "binding rule upsert", std::move(done), [id = std::move(id)](const Tables& tables) {
                              const ACLBindingRule* written = rule_by_id(tables, id);
                              return written ? *written : ACLBindingRule{};
                            });
  });
}

void delete_binding_rule(Server& server, std::string_view id, Answered<bool> done) {
  const auto view = server.view();
  if (!rule_by_id(view->tables(), id)) {
    return done(Error{Errc::permission_denied, "binding rule does not exist: ACL not found"});
  }
  catalog::ACLBindingRuleBatchDeleteRequest request;
  request.BindingRuleIDs.emplace_back(id);
  propose<bool>(server, catalog::encode_command(Command::acl_binding_rule_delete, request), "binding rule delete",
                std::move(done), [](const Tables&) { return true; });
}

void log_in(Server& server, const AclSettings& settings, auth::Logins& logins, Login login, Answered<ACLToken> done) {
  const auto view = server.view();
  const ACLAuthMethod* method = method_by_name(view->tables(), login.method);
  if (!method) {
    return done(
        Error{Errc::permission_denied, "ACL not found: auth method " + base::quote(login.method) + " not found"});
  }
  const auto begun = std::chrono::steady_clock::now();
  auth::LoginLimits& limits = logins.limits();
  if (Result<> may = limits.may_try(method->Name, begun); !may) {
    count(method->Name, "limited");
    return done(may.error());
  }
  auto counted = [begun, name = method->Name, done = std::move(done)](Result<ACLToken> made) mutable {
    base::metrics::sample("acl.login", {}, "Time that logins take, in milliseconds.").add_since(begun);
    count(name, made ? "success" : "failure");
    done(std::move(made));
  };
  logins.use(*method, [&server, &settings, &limits, method = *method, login = std::move(login),
                       done = Answered<ACLToken>(std::move(counted))](Result<auth::MethodPtr> known) mutable {
    if (!known) return done(known.error());
    const Result<auth::Identity> identity = (*known)->identify(login.bearer);
    if (!identity) return done(identity.error());
    mint(server, settings, limits, method, *identity, description_of(login), std::move(done));
  });
}

bool is_elsewhere(const Server& server, const AclSettings& settings, std::string_view secret) {
  if (settings.in_primary()) return false;
  const auto view = server.view();
  const ACLToken* token = catalog::token_by_secret(view->tables(), secret);
  return token && !token->AuthMethod.empty() && !token->Local;
}

void log_out(Server& server, std::string_view secret, Answered<bool> done) {
  const auto view = server.view();
  const ACLToken* token = catalog::token_by_secret(view->tables(), secret);
  if (!token) return done(Error{Errc::permission_denied, "ACL not found"});
  if (token->AuthMethod.empty()) {
    return done(Error{Errc::permission_denied, "Permission denied: token wasn't created via login"});
  }
  // Whether it is over does not matter: it goes.
  catalog::ACLTokenBatchDeleteRequest request;
  request.TokenIDs.push_back(token->AccessorID);
  propose<bool>(server, catalog::encode_command(Command::acl_token_delete, request), "token delete", std::move(done),
                [](const Tables&) { return true; });
}

}  // namespace proconsul::agent::server
