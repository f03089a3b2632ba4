#include "agent/auth/logins.h"
#include "agent/rpc/acl_types.h"
#include "agent/rpc/caller.h"
#include "agent/rpc/methods/acl_access.h"
#include "agent/rpc/methods/families.h"
#include "agent/server/acl_logins.h"
#include "catalog/store/key.h"

namespace proconsul::agent::rpc {
namespace {

using acl::Access;
using base::Errc;
using base::Error;
using base::Result;
using catalog::ACLAuthMethod;
using catalog::ACLBindingRule;
using tokens::Who;

/// Whether tokens are kept here is asked before a call comes so far (acl_places.h).
Result<> methods_work(const Services& services) {
  if (services.tokens && services.tokens->enabled() && services.logins) return {};
  return {Errc::unauthorized, "ACL support disabled"};
}

Result<> may(const Services& services, const catalog::View& view, std::string_view token, Access access) {
  if (Result<> work = methods_work(services); !work) return work;
  const Result<Who> who = acl_access(services, view, token, access);
  return who ? Result<>() : Result<>(who.error());
}

Result<Found> read_method(Services& services, const catalog::View& view, base::KeySet* watch,
                          const ACLAuthMethodGetRequest& request, ACLAuthMethodResponse& reply) {
  if (Result<> allowed = may(services, view, request.Token, Access::read); !allowed) return allowed.error();
  catalog::watch_key(watch, catalog::Topic::index, "acl-auth-methods");
  reply.Index = view.tables().index_of("acl-auth-methods");
  const ACLAuthMethod* method = view.tables().acl_auth_methods.get(catalog::index_key({request.AuthMethodName}));
  if (!method) return Found::no;
  reply.AuthMethod.emplace() = *method;
  return Found::yes;
}

Result<Found> list_methods(Services& services, const catalog::View& view, base::KeySet* watch,
                           const ACLAuthMethodListRequest& request, ACLAuthMethodListResponse& reply) {
  if (Result<> allowed = may(services, view, request.Token, Access::read); !allowed) return allowed.error();
  catalog::watch_key(watch, catalog::Topic::index, "acl-auth-methods");
  reply.Index = view.tables().index_of("acl-auth-methods");
  for (const auto [key, method] : view.tables().acl_auth_methods.all()) {
    ACLAuthMethodListStub& stub = reply.AuthMethods.emplace_back().emplace();
    stub.Name = method->Name;
    stub.Type = method->Type;
    stub.DisplayName = method->DisplayName;
    stub.Description = method->Description;
    stub.MaxTokenTTL = method->MaxTokenTTL;
    stub.TokenLocality = method->TokenLocality;
    stub.CreateIndex = method->CreateIndex;
    stub.ModifyIndex = method->ModifyIndex;
  }
  return Found::yes;
}

void set_method(Services& services, ACLAuthMethodSetRequest& request, server::Answered<ACLAuthMethod> done) {
  if (Result<> allowed = may(services, *services.server.view(), request.Token, Access::write); !allowed) {
    return done(allowed.error());
  }
  server::set_auth_method(services.server, *services.acl, *services.logins, std::move(request.AuthMethod),
                          std::move(done));
}

void delete_method(Services& services, ACLAuthMethodDeleteRequest& request, server::Answered<bool> done) {
  if (Result<> allowed = may(services, *services.server.view(), request.Token, Access::write); !allowed) {
    return done(allowed.error());
  }
  server::delete_auth_method(services.server, request.AuthMethodName, std::move(done));
}

Result<Found> read_rule(Services& services, const catalog::View& view, base::KeySet* watch,
                        const ACLBindingRuleGetRequest& request, ACLBindingRuleResponse& reply) {
  if (Result<> allowed = may(services, view, request.Token, Access::read); !allowed) return allowed.error();
  catalog::watch_key(watch, catalog::Topic::index, "acl-binding-rules");
  if (Result<> valid = check_id(request.BindingRuleID, "binding rule"); !valid) return valid.error();
  reply.Index = view.tables().index_of("acl-binding-rules");
  const ACLBindingRule* rule = view.tables().acl_binding_rules.get(catalog::index_key({request.BindingRuleID}));
  if (!rule) return Found::no;
  reply.BindingRule.emplace() = *rule;
  return Found::yes;
}

Result<Found> list_rules(Services& services, const catalog::View& view, base::KeySet* watch,
                         const ACLBindingRuleListRequest& request, ACLBindingRuleListResponse& reply) {
  if (Result<> allowed = may(services, view, request.Token, Access::read); !allowed) return allowed.error();
  catalog::watch_key(watch, catalog::Topic::index, "acl-binding-rules");
  const catalog::Tables& tables = view.tables();
  reply.Index = tables.index_of("acl-binding-rules");
  const auto take = [&](auto cursor) {
    for (const auto [key, rule] : cursor) reply.BindingRules.emplace_back().emplace() = *rule;
  };
  if (request.AuthMethod.empty()) {
    take(tables.acl_binding_rules.all());
  } else {
    take(tables.acl_binding_rules_by_method.prefix(catalog::index_key({request.AuthMethod})));
  }
  return Found::yes;
}

void set_rule(Services& services, ACLBindingRuleSetRequest& request, server::Answered<ACLBindingRule> done) {
  if (Result<> allowed = may(services, *services.server.view(), request.Token, Access::write); !allowed) {
    return done(allowed.error());
  }
  server::set_binding_rule(services.server, *services.logins, std::move(request.BindingRule), std::move(done));
}

void delete_rule(Services& services, ACLBindingRuleDeleteRequest& request, server::Answered<bool> done) {
  if (Result<> allowed = may(services, *services.server.view(), request.Token, Access::write); !allowed) {
    return done(allowed.error());
  }
  if (Result<> valid = check_id(request.BindingRuleID, "binding rule"); !valid) return done(valid.error());
  server::delete_binding_rule(services.server, request.BindingRuleID, std::move(done));
}

void log_in(Services& services, ACLLoginRequest& request, server::Answered<catalog::ACLToken> done) {
  if (Result<> work = methods_work(services); !work) return done(work.error());
  if (!request.Auth) return done(Error{Errc::internal, "Invalid Login request: Missing auth parameters"});
  if (!request.Token.empty()) return done(Error{Errc::internal, "do not provide a token when logging in"});
  ACLLoginParams& given = *request.Auth;
  server::log_in(
      services.server, *services.acl, *services.logins,
      {.method = std::move(given.AuthMethod), .bearer = std::move(given.BearerToken), .meta = std::move(given.Meta)},
      std::move(done));
}

void log_out(Services& services, ACLLogoutRequest& request, server::Answered<bool> done) {
  if (Result<> work = methods_work(services); !work) return done(work.error());
  if (request.Token.empty()) {
    return done(Error{Errc::permission_denied, "no valid token ID provided: ACL not found"});
  }
  // A global token is only kept here for the primary datacenter: there it must go.
  if (services.caller && server::is_elsewhere(services.server, *services.acl, request.Token)) {
    request.Datacenter = services.acl->primary_datacenter;
    return ask<ACLLogoutRequest, bool>(*services.caller, services.loops->next(), "ACL.Logout", std::move(request),
                                       std::move(done));
  }
  server::log_out(services.server, request.Token, std::move(done));
}

}  // namespace

std::span<const Method> acl_login_methods() {
  static constexpr Method kRows[] = {
      method<&read_method>("ACL.AuthMethodRead", kReads),
      method<&list_methods>("ACL.AuthMethodList", kReads),
      method<&set_method>("ACL.AuthMethodSet", 0),
      method<&delete_method>("ACL.AuthMethodDelete", 0),
      method<&read_rule>("ACL.BindingRuleRead", kReads),
      method<&list_rules>("ACL.BindingRuleList", kReads),
      method<&set_rule>("ACL.BindingRuleSet", 0),
      method<&delete_rule>("ACL.BindingRuleDelete", 0),
      method<&log_in>("ACL.Login", 0),
      method<&log_out>("ACL.Logout", 0),
  };
  return kRows;
}

}  // namespace proconsul::agent::rpc
