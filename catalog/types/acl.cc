#include "catalog/types/acl.h"

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(ACLTokenPolicyLink, "structs.ACLTokenPolicyLink") {
  type.field("ID", &ACLTokenPolicyLink::ID);
  type.field("Name", &ACLTokenPolicyLink::Name);
}

PROCONSUL_DESCRIBE_TYPE(ACLTokenRoleLink, "structs.ACLTokenRoleLink") {
  type.field("ID", &ACLTokenRoleLink::ID);
  type.field("Name", &ACLTokenRoleLink::Name);
}

PROCONSUL_DESCRIBE_TYPE(ACLRolePolicyLink, "structs.ACLRolePolicyLink") {
  type.field("ID", &ACLRolePolicyLink::ID);
  type.field("Name", &ACLRolePolicyLink::Name);
}

PROCONSUL_DESCRIBE_TYPE(ACLServiceIdentity, "structs.ACLServiceIdentity") {
  type.field("ServiceName", &ACLServiceIdentity::ServiceName);
  type.field("Datacenters", &ACLServiceIdentity::Datacenters).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(ACLNodeIdentity, "structs.ACLNodeIdentity") {
  type.field("NodeName", &ACLNodeIdentity::NodeName);
  type.field("Datacenter", &ACLNodeIdentity::Datacenter);
}

PROCONSUL_DESCRIBE_TYPE(ACLTemplatedPolicyVariables, "structs.ACLTemplatedPolicyVariables") {
  type.field("Name", &ACLTemplatedPolicyVariables::Name).json("name").omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(ACLTemplatedPolicy, "structs.ACLTemplatedPolicy") {
  type.field("TemplateID", &ACLTemplatedPolicy::TemplateID).omit_empty();
  type.field("TemplateName", &ACLTemplatedPolicy::TemplateName).omit_empty();
  type.field("TemplateVariables", &ACLTemplatedPolicy::TemplateVariables).omit_empty();
  type.field("Datacenters", &ACLTemplatedPolicy::Datacenters).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(ACLToken, "structs.ACLToken") {
  type.field("AccessorID", &ACLToken::AccessorID);
  type.field("SecretID", &ACLToken::SecretID);
  type.field("Description", &ACLToken::Description);
  type.field("Policies", &ACLToken::Policies).omit_empty();
  type.field("Roles", &ACLToken::Roles).omit_empty();
  type.field("ServiceIdentities", &ACLToken::ServiceIdentities).go_type("structs.ACLServiceIdentities").omit_empty();
  type.field("NodeIdentities", &ACLToken::NodeIdentities).go_type("structs.ACLNodeIdentities").omit_empty();
  type.field("TemplatedPolicies", &ACLToken::TemplatedPolicies).go_type("structs.ACLTemplatedPolicies").omit_empty();
  type.field("Local", &ACLToken::Local);
  type.field("AuthMethod", &ACLToken::AuthMethod).omit_empty();
  type.field("ExpirationTime", &ACLToken::ExpirationTime).omit_empty();
  type.field("ExpirationTTL", &ACLToken::ExpirationTTL).omit_empty();
  type.field("CreateTime", &ACLToken::CreateTime);
  type.field("Hash", &ACLToken::Hash);
  type.embed<RaftIndex>();
  type.json_shadow("struct { ExpirationTTL interface {}; Hash string; *structs.Alias }");
}

PROCONSUL_DESCRIBE_TYPE(ACLPolicy, "structs.ACLPolicy") {
  type.field("ID", &ACLPolicy::ID);
  type.field("Name", &ACLPolicy::Name);
  type.field("Description", &ACLPolicy::Description);
  type.field("Rules", &ACLPolicy::Rules);
  type.field("Datacenters", &ACLPolicy::Datacenters).omit_empty();
  type.field("Hash", &ACLPolicy::Hash);
  type.embed<RaftIndex>();
  type.json_shadow("struct { Hash string; *structs.Alias }");
}

PROCONSUL_DESCRIBE_TYPE(ACLRole, "structs.ACLRole") {
  type.field("ID", &ACLRole::ID);
  type.field("Name", &ACLRole::Name);
  type.field("Description", &ACLRole::Description);
  type.field("Policies", &ACLRole::Policies).omit_empty();
  type.field("ServiceIdentities", &ACLRole::ServiceIdentities).go_type("structs.ACLServiceIdentities").omit_empty();
  type.field("NodeIdentities", &ACLRole::NodeIdentities).go_type("structs.ACLNodeIdentities").omit_empty();
  type.field("TemplatedPolicies", &ACLRole::TemplatedPolicies).go_type("structs.ACLTemplatedPolicies").omit_empty();
  type.field("Hash", &ACLRole::Hash);
  type.embed<RaftIndex>();
  type.json_shadow("struct { Hash string; *structs.Alias }");
}

PROCONSUL_DESCRIBE_TYPE(ACLBindingRule, "structs.ACLBindingRule") {
  type.field("ID", &ACLBindingRule::ID);
  type.field("Description", &ACLBindingRule::Description);
  type.field("AuthMethod", &ACLBindingRule::AuthMethod);
  type.field("Selector", &ACLBindingRule::Selector);
  type.field("BindType", &ACLBindingRule::BindType);
  type.field("BindName", &ACLBindingRule::BindName);
  type.field("BindVars", &ACLBindingRule::BindVars).omit_empty();
  type.embed<RaftIndex>();
}

PROCONSUL_DESCRIBE_TYPE(ACLAuthMethod, "structs.ACLAuthMethod") {
  type.field("MaxTokenTTL", &ACLAuthMethod::MaxTokenTTL).readable().omit_empty();
  type.field("Name", &ACLAuthMethod::Name);
  type.field("Type", &ACLAuthMethod::Type);
  type.field("DisplayName", &ACLAuthMethod::DisplayName).omit_empty();
  type.field("Description", &ACLAuthMethod::Description).omit_empty();
  type.field("TokenLocality", &ACLAuthMethod::TokenLocality).omit_empty();
  type.field("Config", &ACLAuthMethod::Config);
  type.embed<RaftIndex>();
  type.json_shadow("struct { MaxTokenTTL interface {}; *structs.Alias }");
}

PROCONSUL_DESCRIBE_TYPE(ACLTokenBootstrapRequest, "structs.ACLTokenBootstrapRequest") {
  type.field("Token", &ACLTokenBootstrapRequest::Token);
  type.field("ResetIndex", &ACLTokenBootstrapRequest::ResetIndex);
}

PROCONSUL_DESCRIBE_TYPE(ACLTokenBatchSetRequest, "structs.ACLTokenBatchSetRequest") {
  type.field("Tokens", &ACLTokenBatchSetRequest::Tokens);
  type.field("CAS", &ACLTokenBatchSetRequest::CAS);
  type.field("AllowMissingLinks", &ACLTokenBatchSetRequest::AllowMissingLinks);
  type.field("ProhibitUnprivileged", &ACLTokenBatchSetRequest::ProhibitUnprivileged);
  type.field("FromReplication", &ACLTokenBatchSetRequest::FromReplication);
}

PROCONSUL_DESCRIBE_TYPE(ACLTokenBatchDeleteRequest, "structs.ACLTokenBatchDeleteRequest") {
  type.field("TokenIDs", &ACLTokenBatchDeleteRequest::TokenIDs);
}

PROCONSUL_DESCRIBE_TYPE(ACLPolicyBatchSetRequest, "structs.ACLPolicyBatchSetRequest") {
  type.field("Policies", &ACLPolicyBatchSetRequest::Policies);
}

PROCONSUL_DESCRIBE_TYPE(ACLPolicyBatchDeleteRequest, "structs.ACLPolicyBatchDeleteRequest") {
  type.field("PolicyIDs", &ACLPolicyBatchDeleteRequest::PolicyIDs);
}

PROCONSUL_DESCRIBE_TYPE(ACLRoleBatchSetRequest, "structs.ACLRoleBatchSetRequest") {
  type.field("Roles", &ACLRoleBatchSetRequest::Roles);
  type.field("AllowMissingLinks", &ACLRoleBatchSetRequest::AllowMissingLinks);
}

PROCONSUL_DESCRIBE_TYPE(ACLRoleBatchDeleteRequest, "structs.ACLRoleBatchDeleteRequest") {
  type.field("RoleIDs", &ACLRoleBatchDeleteRequest::RoleIDs);
}

PROCONSUL_DESCRIBE_TYPE(ACLBindingRuleBatchSetRequest, "structs.ACLBindingRuleBatchSetRequest") {
  type.field("BindingRules", &ACLBindingRuleBatchSetRequest::BindingRules);
}

PROCONSUL_DESCRIBE_TYPE(ACLBindingRuleBatchDeleteRequest, "structs.ACLBindingRuleBatchDeleteRequest") {
  type.field("BindingRuleIDs", &ACLBindingRuleBatchDeleteRequest::BindingRuleIDs);
}

PROCONSUL_DESCRIBE_TYPE(ACLAuthMethodBatchSetRequest, "structs.ACLAuthMethodBatchSetRequest") {
  type.field("AuthMethods", &ACLAuthMethodBatchSetRequest::AuthMethods);
}

PROCONSUL_DESCRIBE_TYPE(ACLAuthMethodBatchDeleteRequest, "structs.ACLAuthMethodBatchDeleteRequest") {
  type.field("AuthMethodNames", &ACLAuthMethodBatchDeleteRequest::AuthMethodNames);
}

}  // namespace proconsul::catalog
