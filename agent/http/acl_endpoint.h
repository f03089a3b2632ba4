// The API of tokens, policies, roles and logins (/v1/acl). All of it goes through the RPC methods ACL.*, here or
// elsewhere.
#pragma once

#include "agent/http/context.h"
#include "agent/http/reply.h"
#include "agent/http/request.h"
#include "agent/http/route.h"
#include "base/type.h"
#include "catalog/types/acl.h"

namespace proconsul::agent::http {

// Tokens.
void acl_bootstrap(Context& agent, const Request& request, Responder responder);
base::Result<Question> ask_acl_tokens(const Context& agent, const Request& request);
base::Result<Question> ask_acl_token(const Context& agent, const Request& request);
base::Result<Question> ask_acl_token_self(const Context& agent, const Request& request);
void acl_token_create(Context& agent, const Request& request, Responder responder);
void acl_token_update(Context& agent, const Request& request, Responder responder);
void acl_token_clone(Context& agent, const Request& request, Responder responder);
void acl_token_delete(Context& agent, const Request& request, Responder responder);
/// What the token of the request may do, question by question.
void acl_authorize(Context& agent, const Request& request, Responder responder);

/// Sets one of the agent's own tokens: /v1/agent/token/.
void agent_token(Context& agent, const Request& request, Responder responder);
/// How far a secondary datacenter's copy of the primary's ACLs is.
void acl_replication(Context& agent, const Request& request, Responder responder);

// Policies and roles.
base::Result<Question> ask_acl_policies(const Context& agent, const Request& request);
base::Result<Question> ask_acl_policy(const Context& agent, const Request& request);
base::Result<Question> ask_acl_policy_by_name(const Context& agent, const Request& request);
void acl_policy_create(Context& agent, const Request& request, Responder responder);
void acl_policy_update(Context& agent, const Request& request, Responder responder);
void acl_policy_delete(Context& agent, const Request& request, Responder responder);
base::Result<Question> ask_acl_roles(const Context& agent, const Request& request);
base::Result<Question> ask_acl_role(const Context& agent, const Request& request);
base::Result<Question> ask_acl_role_by_name(const Context& agent, const Request& request);
void acl_role_create(Context& agent, const Request& request, Responder responder);
void acl_role_update(Context& agent, const Request& request, Responder responder);
void acl_role_delete(Context& agent, const Request& request, Responder responder);

// Auth methods, binding rules, and who logs in by them.
base::Result<Question> ask_acl_auth_methods(const Context& agent, const Request& request);
base::Result<Question> ask_acl_auth_method(const Context& agent, const Request& request);
void acl_auth_method_create(Context& agent, const Request& request, Responder responder);
void acl_auth_method_update(Context& agent, const Request& request, Responder responder);
void acl_auth_method_delete(Context& agent, const Request& request, Responder responder);
base::Result<Question> ask_acl_binding_rules(const Context& agent, const Request& request);
base::Result<Question> ask_acl_binding_rule(const Context& agent, const Request& request);
void acl_binding_rule_create(Context& agent, const Request& request, Responder responder);
void acl_binding_rule_update(Context& agent, const Request& request, Responder responder);
void acl_binding_rule_delete(Context& agent, const Request& request, Responder responder);
void acl_login(Context& agent, const Request& request, Responder responder);
void acl_logout(Context& agent, const Request& request, Responder responder);

// Templates of policies.
base::Result<Reply> acl_templated_policies(Context& agent, const Request& request);
base::Result<Reply> acl_templated_policy(Context& agent, const Request& request);
base::Result<Reply> acl_templated_policy_preview(Context& agent, const Request& request);

/// What /v1/acl/bootstrap takes and gives.
struct BootstrapRequest {
  std::string BootstrapSecret{};
};
PROCONSUL_DECLARE_TYPE(BootstrapRequest)
struct AclBootstrapResponse : catalog::ACLToken {
  std::string ID{};  // the secret once more, as it was called before
};
PROCONSUL_DECLARE_TYPE(AclBootstrapResponse)

struct AgentToken {
  std::string Token{};
};
PROCONSUL_DECLARE_TYPE(AgentToken)

struct TemplatedPolicyResponse {
  std::string TemplateName{}, Schema{}, Template{}, Description{};
};
PROCONSUL_DECLARE_TYPE(TemplatedPolicyResponse)

}  // namespace proconsul::agent::http
