#include "agent/cli/acl_types.h"

namespace proconsul::agent::cli {
namespace {

// What a token and its entry in a list share, in the order in which clients of Consul print it.
template <class Builder>
void token_head(Builder& type) {
  using T = AclToken;
  type.field("CreateIndex", &T::CreateIndex);
  type.field("ModifyIndex", &T::ModifyIndex);
  type.field("AccessorID", &T::AccessorID);
  type.field("SecretID", &T::SecretID);
  type.field("Description", &T::Description);
  type.field("Policies", &T::Policies).omit_empty();
  type.field("Roles", &T::Roles).omit_empty();
  type.field("ServiceIdentities", &T::ServiceIdentities).omit_empty();
  type.field("NodeIdentities", &T::NodeIdentities).omit_empty();
  type.field("TemplatedPolicies", &T::TemplatedPolicies).omit_empty();
  type.field("Local", &T::Local);
  type.field("AuthMethod", &T::AuthMethod).omit_empty();
}

template <class Builder>
void token_tenancy(Builder& type) {
  type.field("Namespace", &AclToken::Namespace).omit_empty();
  type.field("Partition", &AclToken::Partition).omit_empty();
  type.field("AuthMethodNamespace", &AclToken::AuthMethodNamespace).omit_empty();
}

template <class T, class Builder>
void indexes_and_tenancy(Builder& type) {
  type.field("CreateIndex", &T::CreateIndex);
  type.field("ModifyIndex", &T::ModifyIndex);
  type.field("Namespace", &T::Namespace).omit_empty();
  type.field("Partition", &T::Partition).omit_empty();
}

template <class Builder>
void method_head(Builder& type) {
  using T = AclAuthMethod;
  type.field("MaxTokenTTL", &T::MaxTokenTTL).readable().omit_empty();
  type.field("Name", &T::Name);
  type.field("Type", &T::Type);
  type.field("DisplayName", &T::DisplayName).omit_empty();
  type.field("Description", &T::Description).omit_empty();
  type.field("TokenLocality", &T::TokenLocality).omit_empty();
}

}  // namespace

PROCONSUL_DESCRIBE_TYPE(AclLink, "api.ACLLink") {
  type.field("ID", &AclLink::ID);
  type.field("Name", &AclLink::Name);
}

PROCONSUL_DESCRIBE_TYPE(AclServiceIdentity, "api.ACLServiceIdentity") {
  type.field("ServiceName", &AclServiceIdentity::ServiceName);
  type.field("Datacenters", &AclServiceIdentity::Datacenters).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(AclNodeIdentity, "api.ACLNodeIdentity") {
  type.field("NodeName", &AclNodeIdentity::NodeName);
  type.field("Datacenter", &AclNodeIdentity::Datacenter);
}

PROCONSUL_DESCRIBE_TYPE(AclTemplateVariables, "api.ACLTemplatedPolicyVariables") {
  type.field("Name", &AclTemplateVariables::Name);
}

PROCONSUL_DESCRIBE_TYPE(AclTemplatedPolicy, "api.ACLTemplatedPolicy") {
  type.field("TemplateName", &AclTemplatedPolicy::TemplateName);
  type.field("TemplateVariables", &AclTemplatedPolicy::TemplateVariables).omit_empty();
  type.field("Datacenters", &AclTemplatedPolicy::Datacenters).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(AclToken, "api.ACLToken") {
  token_head(type);
  type.field("ExpirationTTL", &AclToken::ExpirationTTL).omit_empty();
  type.field("ExpirationTime", &AclToken::ExpirationTime).omit_empty();
  type.field("CreateTime", &AclToken::CreateTime);
  type.field("Hash", &AclToken::Hash).omit_empty();
  token_tenancy(type);
}

PROCONSUL_DESCRIBE_TYPE(AclTokenEntry, "api.ACLTokenListEntry") {
  token_head(type);
  type.field("ExpirationTime", &AclToken::ExpirationTime).omit_empty();
  type.field("CreateTime", &AclToken::CreateTime);
  type.field("Hash", &AclToken::Hash);
  token_tenancy(type);
}

PROCONSUL_DESCRIBE_TYPE(AclPolicy, "api.ACLPolicy") {
  type.field("ID", &AclPolicy::ID);
  type.field("Name", &AclPolicy::Name);
  type.field("Description", &AclPolicy::Description);
  type.field("Rules", &AclPolicy::Rules);
  type.field("Datacenters", &AclPolicy::Datacenters);
  type.field("Hash", &AclPolicy::Hash);
  indexes_and_tenancy<AclPolicy>(type);
}

PROCONSUL_DESCRIBE_TYPE(AclPolicyEntry, "api.ACLPolicyListEntry") {
  type.field("ID", &AclPolicy::ID);
  type.field("Name", &AclPolicy::Name);
  type.field("Description", &AclPolicy::Description);
  type.field("Datacenters", &AclPolicy::Datacenters);
  type.field("Hash", &AclPolicy::Hash);
  indexes_and_tenancy<AclPolicy>(type);
}

PROCONSUL_DESCRIBE_TYPE(AclRole, "api.ACLRole") {
  type.field("ID", &AclRole::ID);
  type.field("Name", &AclRole::Name);
  type.field("Description", &AclRole::Description);
  type.field("Policies", &AclRole::Policies).omit_empty();
  type.field("ServiceIdentities", &AclRole::ServiceIdentities).omit_empty();
  type.field("NodeIdentities", &AclRole::NodeIdentities).omit_empty();
  type.field("TemplatedPolicies", &AclRole::TemplatedPolicies).omit_empty();
  type.field("Hash", &AclRole::Hash);
  indexes_and_tenancy<AclRole>(type);
}

PROCONSUL_DESCRIBE_TYPE(AclTokenExpanded, "api.ACLTokenExpanded") {
  using T = AclTokenExpanded;
  type.field("ExpandedPolicies", &T::ExpandedPolicies);
  type.field("ExpandedRoles", &T::ExpandedRoles);
  type.field("NamespaceDefaultPolicyIDs", &T::NamespaceDefaultPolicyIDs);
  type.field("NamespaceDefaultRoleIDs", &T::NamespaceDefaultRoleIDs);
  type.field("AgentACLDefaultPolicy", &T::AgentACLDefaultPolicy);
  type.field("AgentACLDownPolicy", &T::AgentACLDownPolicy);
  type.field("ResolvedByAgent", &T::ResolvedByAgent);
  type.embed<AclToken>();
}

PROCONSUL_DESCRIBE_TYPE(AclBindingRule, "api.ACLBindingRule") {
  using T = AclBindingRule;
  type.field("ID", &T::ID);
  type.field("Description", &T::Description);
  type.field("AuthMethod", &T::AuthMethod);
  type.field("Selector", &T::Selector);
  type.field("BindType", &T::BindType);
  type.field("BindName", &T::BindName);
  type.field("BindVars", &T::BindVars).omit_empty();
  indexes_and_tenancy<T>(type);
}

PROCONSUL_DESCRIBE_TYPE(AclAuthMethod::NamespaceRule, "api.ACLAuthMethodNamespaceRule") {
  type.field("Selector", &AclAuthMethod::NamespaceRule::Selector).omit_empty();
  type.field("BindNamespace", &AclAuthMethod::NamespaceRule::BindNamespace).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(AclAuthMethod, "api.ACLAuthMethod") {
  using T = AclAuthMethod;
  method_head(type);
  type.field("Config", &T::Config);
  type.field("CreateIndex", &T::CreateIndex);
  type.field("ModifyIndex", &T::ModifyIndex);
  type.field("NamespaceRules", &T::NamespaceRules).omit_empty();
  type.field("Namespace", &T::Namespace).omit_empty();
  type.field("Partition", &T::Partition).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(AclAuthMethodEntry, "api.ACLAuthMethodListEntry") {
  method_head(type);
  indexes_and_tenancy<AclAuthMethod>(type);
}

PROCONSUL_DESCRIBE_TYPE(AclTemplate, "api.ACLTemplatedPolicyResponse") {
  type.field("TemplateName", &AclTemplate::TemplateName);
  type.field("Schema", &AclTemplate::Schema);
  type.field("Template", &AclTemplate::Template);
  type.field("Description", &AclTemplate::Description);
}

PROCONSUL_DESCRIBE_TYPE(AclLogin, "api.ACLLoginParams") {
  type.field("AuthMethod", &AclLogin::AuthMethod);
  type.field("BearerToken", &AclLogin::BearerToken);
  type.field("Meta", &AclLogin::Meta).omit_empty();
}

}  // namespace proconsul::agent::cli
