#include <utility>

#include "agent/auth/config_reader.h"
#include "agent/http/acl_change.h"
#include "agent/http/acl_endpoint.h"
#include "agent/rpc/acl_types.h"
#include "base/value.h"
#include "catalog/types/acl.h"

namespace proconsul::agent::http {

using base::Errc;
using base::Error;
using base::Result;
using base::Value;
using catalog::ACLAuthMethod;
using catalog::ACLBindingRule;

namespace {

std::string shown(ACLAuthMethod& method) {
  for (auto& [key, value] : method.Config) auth::as_texts(value);
  return base::to_json(method);
}

Result<Answer> show_method(const AskedContext&, rpc::ACLAuthMethodResponse& found) {
  if (!found.AuthMethod) return no_such("auth method");
  return Answer{.reply = json(shown(*found.AuthMethod))};
}

Result<Answer> show_methods(const AskedContext&, rpc::ACLAuthMethodListResponse& found) {
  found.AuthMethods.make_present();
  return Answer{.reply = json(base::to_json(found.AuthMethods))};
}

Result<Answer> show_rule(const AskedContext&, rpc::ACLBindingRuleResponse& found) {
  if (!found.BindingRule) return no_such("binding rule");
  return Answer{.reply = json(base::to_json(*found.BindingRule))};
}

Result<Answer> show_rules(const AskedContext&, rpc::ACLBindingRuleListResponse& found) {
  found.BindingRules.make_present();
  return Answer{.reply = json(base::to_json(found.BindingRules))};
}

template <class Change>
Change change_of(const Context& agent, const Request& request) {
  Change change;
  change.Datacenter = named_datacenter(agent, request);
  change.Token = token_of(request);
  return change;
}

/// The body; its name and the path's must not contradict each other.
void set_method(Context& agent, const Request& request, std::string_view name, Responder responder) {
  auto change = change_of<rpc::ACLAuthMethodSetRequest>(agent, request);
  ACLAuthMethod& method = change.AuthMethod;
  if (Result<> read = decode_body(request, method, "AuthMethod decoding failed"); !read) {
    return responder.send(read.error());
  }
  if (method.Name.empty()) method.Name = name;
  if (!name.empty() && method.Name != name) {
    return responder.send(Error{Errc::invalid_argument, "AuthMethod Name in URL and payload do not match"});
  }
  ask<rpc::ACLAuthMethodSetRequest, ACLAuthMethod>(
      agent, "ACL.AuthMethodSet", std::move(change),
      [responder = std::move(responder)](Result<ACLAuthMethod> written) mutable {
        if (!written) return responder.send(Result<Reply>(written.error()));
        responder.send(Result<Reply>(json(shown(*written))));
      });
}

void set_rule(Context& agent, const Request& request, std::string_view id, Responder responder) {
  auto change = change_of<rpc::ACLBindingRuleSetRequest>(agent, request);
  ACLBindingRule& rule = change.BindingRule;
  if (Result<> read = decode_body(request, rule, "BindingRule decoding failed"); !read) {
    return responder.send(read.error());
  }
  if (rule.ID.empty()) rule.ID = id;
  if (rule.ID != id) {
    return responder.send(Error{Errc::invalid_argument, "BindingRule ID in URL and payload do not match"});
  }
  change_acl<ACLBindingRule>(agent, "ACL.BindingRuleSet", std::move(change), std::move(responder));
}

/// A deletion: true, or 404 "Cannot find auth method to delete".
template <class Change>
void remove(Context& agent, std::string_view method, Change change, std::string_view kind, Responder responder) {
  ask<Change, bool>(agent, method, std::move(change),
                    [responder = std::move(responder), kind](Result<bool> gone) mutable {
                      if (!gone && gone.error().detail.find("ACL not found") != std::string::npos) {
                        return responder.send(
                            Result<Reply>(Error{Errc::not_found, "Cannot find " + std::string(kind) + " to delete"}));
                      }
                      if (!gone) return responder.send(Result<Reply>(gone.error()));
                      responder.send(Result<Reply>(json("true")));
                    });
}

}  // namespace

Result<Question> ask_acl_auth_methods(const Context&, const Request& request) {
  return question("ACL.AuthMethodList", query_of<rpc::ACLAuthMethodListRequest>(request), &show_methods);
}

Result<Question> ask_acl_auth_method(const Context&, const Request& request) {
  Result<std::string> name = named_in_path(request, "auth method name");
  if (!name) return name.error();
  auto query = query_of<rpc::ACLAuthMethodGetRequest>(request);
  query.AuthMethodName = std::move(*name);
  return question("ACL.AuthMethodRead", std::move(query), &show_method);
}

void acl_auth_method_create(Context& agent, const Request& request, Responder responder) {
  set_method(agent, request, {}, std::move(responder));
}

void acl_auth_method_update(Context& agent, const Request& request, Responder responder) {
  set_method(agent, request, request.rest, std::move(responder));
}

void acl_auth_method_delete(Context& agent, const Request& request, Responder responder) {
  Result<std::string> name = named_in_path(request, "auth method name");
  if (!name) return responder.send(name.error());
  auto change = change_of<rpc::ACLAuthMethodDeleteRequest>(agent, request);
  change.AuthMethodName = std::move(*name);
  remove(agent, "ACL.AuthMethodDelete", std::move(change), "auth method", std::move(responder));
}

Result<Question> ask_acl_binding_rules(const Context&, const Request& request) {
  auto query = query_of<rpc::ACLBindingRuleListRequest>(request);
  query.AuthMethod = request.param("authmethod");
  return question("ACL.BindingRuleList", std::move(query), &show_rules);
}

Result<Question> ask_acl_binding_rule(const Context&, const Request& request) {
  Result<std::string> id = named_in_path(request, "binding rule ID");
  if (!id) return id.error();
  auto query = query_of<rpc::ACLBindingRuleGetRequest>(request);
  query.BindingRuleID = std::move(*id);
  return question("ACL.BindingRuleRead", std::move(query), &show_rule);
}

void acl_binding_rule_create(Context& agent, const Request& request, Responder responder) {
  set_rule(agent, request, {}, std::move(responder));
}

void acl_binding_rule_update(Context& agent, const Request& request, Responder responder) {
  set_rule(agent, request, request.rest, std::move(responder));
}

void acl_binding_rule_delete(Context& agent, const Request& request, Responder responder) {
  Result<std::string> id = named_in_path(request, "binding rule ID");
  if (!id) return responder.send(id.error());
  auto change = change_of<rpc::ACLBindingRuleDeleteRequest>(agent, request);
  change.BindingRuleID = std::move(*id);
  remove(agent, "ACL.BindingRuleDelete", std::move(change), "binding rule", std::move(responder));
}

void acl_login(Context& agent, const Request& request, Responder responder) {
  rpc::ACLLoginRequest login;  // without the token of the request: it is not what counts here
  login.Datacenter = named_datacenter(agent, request);
  if (Result<> read = decode_body(request, login.Auth, "Failed to decode request body"); !read) {
    return responder.send(read.error());
  }
  change_acl<catalog::ACLToken>(agent, "ACL.Login", std::move(login), std::move(responder));
}

void acl_logout(Context& agent, const Request& request, Responder responder) {
  auto logout = change_of<rpc::ACLLogoutRequest>(agent, request);
  if (logout.Token.empty()) return responder.send(Error{Errc::unauthorized, "Supplied token does not exist"});
  change_acl<bool>(agent, "ACL.Logout", std::move(logout), std::move(responder));
}

}  // namespace proconsul::agent::http
