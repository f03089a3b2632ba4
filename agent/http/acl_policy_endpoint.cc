#include <utility>

#include "agent/http/acl_change.h"
#include "agent/http/acl_endpoint.h"
#include "agent/http/asking.h"
#include "agent/rpc/acl_types.h"
#include "base/quote.h"
#include "catalog/acl/builtin.h"

namespace proconsul::agent::http {

using base::Errc;
using base::Error;
using base::Result;
using catalog::ACLPolicy;
using catalog::ACLRole;

PROCONSUL_DESCRIBE_TYPE(TemplatedPolicyResponse, "api.ACLTemplatedPolicyResponse") {
  type.field("TemplateName", &TemplatedPolicyResponse::TemplateName);
  type.field("Schema", &TemplatedPolicyResponse::Schema);
  type.field("Template", &TemplatedPolicyResponse::Template);
  type.field("Description", &TemplatedPolicyResponse::Description);
}

namespace {

Result<Answer> show_policy(const AskedContext&, rpc::ACLPolicyResponse& found) {
  if (!found.Policy) return no_such("policy");
  return Answer{.reply = json(base::to_json(*found.Policy))};
}

Result<Answer> show_policies(const AskedContext&, rpc::ACLPolicyListResponse& found) {
  found.Policies.make_present();
  return Answer{.reply = json(base::to_json(found.Policies))};
}

Result<Answer> show_role(const AskedContext&, rpc::ACLRoleResponse& found) {
  if (!found.Role) return no_such("role");
  return Answer{.reply = json(base::to_json(*found.Role))};
}

Result<Answer> show_roles(const AskedContext&, rpc::ACLRoleListResponse& found) {
  found.Roles.make_present();
  return Answer{.reply = json(base::to_json(found.Roles))};
}

/// The body; its ID and the path's must not contradict each other.
void set_policy(Context& agent, const Request& request, bool create, Responder responder) {
  rpc::ACLPolicySetRequest change;
  change.Datacenter = agent.settings.datacenter;
  change.Token = token_of(request);
  ACLPolicy& policy = change.Policy;
  if (Result<> read = decode_body(request, policy, "Policy decoding failed"); !read) {
    return responder.send(read.error());
  }
  if (create && !policy.ID.empty()) {
    return responder.send(Error{Errc::invalid_argument, "Cannot specify the ID when creating a new policy"});
  }
  if (!create && policy.ID.empty()) policy.ID = request.rest;
  if (!create && policy.ID != request.rest) {
    return responder.send(Error{Errc::invalid_argument, "Policy ID in URL and payload do not match"});
  }
  change_acl<ACLPolicy>(agent, "ACL.PolicySet", std::move(change), std::move(responder));
}

void set_role(Context& agent, const Request& request, std::string_view id, Responder responder) {
  rpc::ACLRoleSetRequest change;
  change.Datacenter = agent.settings.datacenter;
  change.Token = token_of(request);
  ACLRole& role = change.Role;
  if (Result<> read = decode_body(request, role, "Role decoding failed"); !read) return responder.send(read.error());
  if (role.ID.empty()) role.ID = id;
  if (role.ID != id) {
    return responder.send(Error{Errc::invalid_argument, "Role ID in URL and payload do not match"});
  }
  change_acl<ACLRole>(agent, "ACL.RoleSet", std::move(change), std::move(responder));
}

Result<> may_read_acls(const Context& agent, const Request& request) {
  const Result<tokens::Who> who = asking(agent, request);
  if (!who) return who.error();
  return tokens::require(*who, acl::Resource::acl, acl::Access::read);
}

TemplatedPolicyResponse shown(const catalog::PolicyTemplate& base) {
  return {.TemplateName = std::string(base.name),
          .Schema = std::string(base.schema),
          .Template = std::string(base.text),
          .Description = std::string(base.description)};
}

}  // namespace

Result<Question> ask_acl_policies(const Context&, const Request& request) {
  return question("ACL.PolicyList", query_of<rpc::ACLPolicyListRequest>(request), &show_policies);
}

Result<Question> ask_acl_policy(const Context&, const Request& request) {
  Result<std::string> id = named_in_path(request, "policy ID");
  if (!id) return id.error();
  auto query = query_of<rpc::ACLPolicyGetRequest>(request);
  query.PolicyID = std::move(*id);
  return question("ACL.PolicyRead", std::move(query), &show_policy);
}

Result<Question> ask_acl_policy_by_name(const Context&, const Request& request) {
  Result<std::string> name = named_in_path(request, "policy Name");
  if (!name) return name.error();
  auto query = query_of<rpc::ACLPolicyGetRequest>(request);
  query.PolicyName = std::move(*name);
  return question("ACL.PolicyRead", std::move(query), &show_policy);
}

void acl_policy_create(Context& agent, const Request& request, Responder responder) {
  set_policy(agent, request, true, std::move(responder));
}

void acl_policy_update(Context& agent, const Request& request, Responder responder) {
  set_policy(agent, request, false, std::move(responder));
}

void acl_policy_delete(Context& agent, const Request& request, Responder responder) {
  Result<std::string> id = named_in_path(request, "policy ID");
  if (!id) return responder.send(id.error());
  rpc::ACLPolicyDeleteRequest change;
  change.PolicyID = std::move(*id);
  change.Datacenter = agent.settings.datacenter;
  change.Token = token_of(request);
  delete_acl(agent, "ACL.PolicyDelete", std::move(change), "policy", std::move(responder));
}

Result<Question> ask_acl_roles(const Context&, const Request& request) {
  auto query = query_of<rpc::ACLRoleListRequest>(request);
  query.Policy = request.param("policy");
  return question("ACL.RoleList", std::move(query), &show_roles);
}

Result<Question> ask_acl_role(const Context&, const Request& request) {
  Result<std::string> id = named_in_path(request, "role ID");
  if (!id) return id.error();
  auto query = query_of<rpc::ACLRoleGetRequest>(request);
  query.RoleID = std::move(*id);
  return question("ACL.RoleRead", std::move(query), &show_role);
}

Result<Question> ask_acl_role_by_name(const Context&, const Request& request) {
  Result<std::string> name = named_in_path(request, "role Name");
  if (!name) return name.error();
  auto query = query_of<rpc::ACLRoleGetRequest>(request);
  query.RoleName = std::move(*name);
  return question("ACL.RoleRead", std::move(query), &show_role);
}

void acl_role_create(Context& agent, const Request& request, Responder responder) {
  set_role(agent, request, {}, std::move(responder));
}

void acl_role_update(Context& agent, const Request& request, Responder responder) {
  set_role(agent, request, request.rest, std::move(responder));
}

void acl_role_delete(Context& agent, const Request& request, Responder responder) {
  Result<std::string> id = named_in_path(request, "role ID");
  if (!id) return responder.send(id.error());
  rpc::ACLRoleDeleteRequest change;
  change.RoleID = std::move(*id);
  change.Datacenter = agent.settings.datacenter;
  change.Token = token_of(request);
  delete_acl(agent, "ACL.RoleDelete", std::move(change), "role", std::move(responder));
}

Result<Reply> acl_templated_policies(Context& agent, const Request& request) {
  if (Result<> allowed = may_read_acls(agent, request); !allowed) return allowed.error();
  base::Map<TemplatedPolicyResponse> all;
  for (const catalog::PolicyTemplate& base : catalog::policy_templates()) all[std::string(base.name)] = shown(base);
  return json(base::to_json(all));
}

Result<Reply> acl_templated_policy(Context& agent, const Request& request) {
  if (Result<std::string> name = named_in_path(request, "templated policy Name"); !name) return name.error();
  if (Result<> allowed = may_read_acls(agent, request); !allowed) return allowed.error();
  const catalog::PolicyTemplate* base = catalog::find_policy_template(request.rest);
  if (!base) return {Errc::invalid_argument, "Invalid templated policy Name: " + std::string(request.rest)};
  return json(base::to_json(shown(*base)));
}

Result<Reply> acl_templated_policy_preview(Context& agent, const Request& request) {
  if (Result<std::string> name = named_in_path(request, "templated policy Name"); !name) return name.error();
  if (Result<> allowed = may_read_acls(agent, request); !allowed) return allowed.error();
  const catalog::PolicyTemplate* base = catalog::find_policy_template(request.rest);
  if (!base) {
    return {Errc::invalid_argument, "templated policy " + base::quote(request.rest) + " does not exist"};
  }
  catalog::ACLTemplatedPolicy policy;
  policy.TemplateID = base->id;
  policy.TemplateName = base->name;
  if (Result<> read = base::read_json(request.body, policy.TemplateVariables.emplace(),
                                      {.input = base::JsonInput::first, .reject_unknown = true});
      !read) {
    return {Errc::invalid_argument, "Failed to decode request body: " + read.error().detail};
  }
  if (Result<> valid = catalog::validate_templated_policy(policy, *base); !valid) {
    return {Errc::invalid_argument,
            "validation error for templated policy: " + base::quote(policy.TemplateName) + ": " + valid.error().detail};
  }
  Result<ACLPolicy> rendered = catalog::synthetic_policy(policy);
  if (!rendered) return rendered.error();
  return json(base::to_json(*rendered));
}

}  // namespace proconsul::agent::http
