#include "agent/rpc/acl_types.h"

#include "base/type_of.h"

namespace proconsul::agent::rpc {

PROCONSUL_DESCRIBE_TYPE(ACLInitialTokenBootstrapRequest, "structs.ACLInitialTokenBootstrapRequest") {
  type.field("BootstrapSecret", &ACLInitialTokenBootstrapRequest::BootstrapSecret);
  type.field("Datacenter", &ACLInitialTokenBootstrapRequest::Datacenter);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(ACLTokenGetRequest, "structs.ACLTokenGetRequest") {
  type.field("TokenID", &ACLTokenGetRequest::TokenID);
  type.field("TokenIDType", &ACLTokenGetRequest::TokenIDType);
  type.field("Expanded", &ACLTokenGetRequest::Expanded);
  type.field("Datacenter", &ACLTokenGetRequest::Datacenter);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(ExpandedTokenInfo, "structs.ExpandedTokenInfo") {
  type.field("ExpandedPolicies", &ExpandedTokenInfo::ExpandedPolicies);
  type.field("ExpandedRoles", &ExpandedTokenInfo::ExpandedRoles);
  type.field("NamespaceDefaultPolicyIDs", &ExpandedTokenInfo::NamespaceDefaultPolicyIDs);
  type.field("NamespaceDefaultRoleIDs", &ExpandedTokenInfo::NamespaceDefaultRoleIDs);
  type.field("AgentACLDefaultPolicy", &ExpandedTokenInfo::AgentACLDefaultPolicy);
  type.field("AgentACLDownPolicy", &ExpandedTokenInfo::AgentACLDownPolicy);
  type.field("ResolvedByAgent", &ExpandedTokenInfo::ResolvedByAgent);
}

PROCONSUL_DESCRIBE_TYPE(ACLTokenResponse, "structs.ACLTokenResponse") {
  type.field("Token", &ACLTokenResponse::Token);
  type.field("Redacted", &ACLTokenResponse::Redacted);
  type.field("SourceDatacenter", &ACLTokenResponse::SourceDatacenter);
  type.embed<catalog::QueryMeta>();
  type.embed<ExpandedTokenInfo>();
}

PROCONSUL_DESCRIBE_TYPE(ACLTokenSetRequest, "structs.ACLTokenSetRequest") {
  type.field("ACLToken", &ACLTokenSetRequest::ACLToken);
  type.field("Create", &ACLTokenSetRequest::Create);
  type.field("Datacenter", &ACLTokenSetRequest::Datacenter);
  type.embed<catalog::WriteRequest>();
}

PROCONSUL_DESCRIBE_TYPE(ACLTokenDeleteRequest, "structs.ACLTokenDeleteRequest") {
  type.field("TokenID", &ACLTokenDeleteRequest::TokenID);
  type.field("Datacenter", &ACLTokenDeleteRequest::Datacenter);
  type.embed<catalog::WriteRequest>();
}

PROCONSUL_DESCRIBE_TYPE(ACLTokenListRequest, "structs.ACLTokenListRequest") {
  type.field("IncludeLocal", &ACLTokenListRequest::IncludeLocal);
  type.field("IncludeGlobal", &ACLTokenListRequest::IncludeGlobal);
  type.field("Policy", &ACLTokenListRequest::Policy);
  type.field("Role", &ACLTokenListRequest::Role);
  type.field("AuthMethod", &ACLTokenListRequest::AuthMethod);
  type.field("ServiceName", &ACLTokenListRequest::ServiceName);
  type.field("Datacenter", &ACLTokenListRequest::Datacenter);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(ACLTokenListStub, "structs.ACLTokenListStub") {
  type.field("AccessorID", &ACLTokenListStub::AccessorID);
  type.field("SecretID", &ACLTokenListStub::SecretID);
  type.field("Description", &ACLTokenListStub::Description);
  type.field("Policies", &ACLTokenListStub::Policies).omit_empty();
  type.field("Roles", &ACLTokenListStub::Roles).omit_empty();
  type.field("ServiceIdentities", &ACLTokenListStub::ServiceIdentities).omit_empty();
  type.field("NodeIdentities", &ACLTokenListStub::NodeIdentities).omit_empty();
  type.field("TemplatedPolicies", &ACLTokenListStub::TemplatedPolicies).omit_empty();
  type.field("Local", &ACLTokenListStub::Local);
  type.field("AuthMethod", &ACLTokenListStub::AuthMethod).omit_empty();
  type.field("ExpirationTime", &ACLTokenListStub::ExpirationTime).omit_empty();
  type.field("CreateTime", &ACLTokenListStub::CreateTime);
  type.field("Hash", &ACLTokenListStub::Hash);
  type.field("CreateIndex", &ACLTokenListStub::CreateIndex);
  type.field("ModifyIndex", &ACLTokenListStub::ModifyIndex);
}

PROCONSUL_DESCRIBE_TYPE(ACLTokenListResponse, "structs.ACLTokenListResponse") {
  type.field("Tokens", &ACLTokenListResponse::Tokens);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(ACLTokenBatchGetRequest, "structs.ACLTokenBatchGetRequest") {
  type.field("AccessorIDs", &ACLTokenBatchGetRequest::AccessorIDs);
  type.field("Datacenter", &ACLTokenBatchGetRequest::Datacenter);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(ACLTokenBatchResponse, "structs.ACLTokenBatchResponse") {
  type.field("Tokens", &ACLTokenBatchResponse::Tokens);
  type.field("Redacted", &ACLTokenBatchResponse::Redacted);
  type.field("Removed", &ACLTokenBatchResponse::Removed);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(ACLPolicyGetRequest, "structs.ACLPolicyGetRequest") {
  type.field("PolicyID", &ACLPolicyGetRequest::PolicyID);
  type.field("PolicyName", &ACLPolicyGetRequest::PolicyName);
  type.field("Datacenter", &ACLPolicyGetRequest::Datacenter);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(ACLPolicyResponse, "structs.ACLPolicyResponse") {
  type.field("Policy", &ACLPolicyResponse::Policy);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(ACLPolicySetRequest, "structs.ACLPolicySetRequest") {
  type.field("Policy", &ACLPolicySetRequest::Policy);
  type.field("Datacenter", &ACLPolicySetRequest::Datacenter);
  type.embed<catalog::WriteRequest>();
}

PROCONSUL_DESCRIBE_TYPE(ACLPolicyDeleteRequest, "structs.ACLPolicyDeleteRequest") {
  type.field("PolicyID", &ACLPolicyDeleteRequest::PolicyID);
  type.field("Datacenter", &ACLPolicyDeleteRequest::Datacenter);
  type.embed<catalog::WriteRequest>();
}

PROCONSUL_DESCRIBE_TYPE(ACLPolicyListRequest, "structs.ACLPolicyListRequest") {
  type.field("Datacenter", &ACLPolicyListRequest::Datacenter);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(ACLPolicyListStub, "structs.ACLPolicyListStub") {
  type.field("ID", &ACLPolicyListStub::ID);
  type.field("Name", &ACLPolicyListStub::Name);
  type.field("Description", &ACLPolicyListStub::Description);
  type.field("Datacenters", &ACLPolicyListStub::Datacenters);
  type.field("Hash", &ACLPolicyListStub::Hash);
  type.field("CreateIndex", &ACLPolicyListStub::CreateIndex);
  type.field("ModifyIndex", &ACLPolicyListStub::ModifyIndex);
}

PROCONSUL_DESCRIBE_TYPE(ACLPolicyListResponse, "structs.ACLPolicyListResponse") {
  type.field("Policies", &ACLPolicyListResponse::Policies);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(ACLPolicyBatchGetRequest, "structs.ACLPolicyBatchGetRequest") {
  type.field("PolicyIDs", &ACLPolicyBatchGetRequest::PolicyIDs);
  type.field("Datacenter", &ACLPolicyBatchGetRequest::Datacenter);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(ACLPolicyBatchResponse, "structs.ACLPolicyBatchResponse") {
  type.field("Policies", &ACLPolicyBatchResponse::Policies);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(ACLRoleGetRequest, "structs.ACLRoleGetRequest") {
  type.field("RoleID", &ACLRoleGetRequest::RoleID);
  type.field("RoleName", &ACLRoleGetRequest::RoleName);
  type.field("Datacenter", &ACLRoleGetRequest::Datacenter);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(ACLRoleResponse, "structs.ACLRoleResponse") {
  type.field("Role", &ACLRoleResponse::Role);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(ACLRoleSetRequest, "structs.ACLRoleSetRequest") {
  type.field("Role", &ACLRoleSetRequest::Role);
  type.field("Datacenter", &ACLRoleSetRequest::Datacenter);
  type.embed<catalog::WriteRequest>();
}

PROCONSUL_DESCRIBE_TYPE(ACLRoleDeleteRequest, "structs.ACLRoleDeleteRequest") {
  type.field("RoleID", &ACLRoleDeleteRequest::RoleID);
  type.field("Datacenter", &ACLRoleDeleteRequest::Datacenter);
  type.embed<catalog::WriteRequest>();
}

PROCONSUL_DESCRIBE_TYPE(ACLRoleListRequest, "structs.ACLRoleListRequest") {
  type.field("Policy", &ACLRoleListRequest::Policy);
  type.field("Datacenter", &ACLRoleListRequest::Datacenter);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(ACLRoleListResponse, "structs.ACLRoleListResponse") {
  type.field("Roles", &ACLRoleListResponse::Roles);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(ACLRoleBatchGetRequest, "structs.ACLRoleBatchGetRequest") {
  type.field("RoleIDs", &ACLRoleBatchGetRequest::RoleIDs);
  type.field("Datacenter", &ACLRoleBatchGetRequest::Datacenter);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(ACLRoleBatchResponse, "structs.ACLRoleBatchResponse") {
  type.field("Roles", &ACLRoleBatchResponse::Roles);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(ACLBindingRuleGetRequest, "structs.ACLBindingRuleGetRequest") {
  type.field("BindingRuleID", &ACLBindingRuleGetRequest::BindingRuleID);
  type.field("Datacenter", &ACLBindingRuleGetRequest::Datacenter);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(ACLBindingRuleResponse, "structs.ACLBindingRuleResponse") {
  type.field("BindingRule", &ACLBindingRuleResponse::BindingRule);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(ACLBindingRuleSetRequest, "structs.ACLBindingRuleSetRequest") {
  type.field("BindingRule", &ACLBindingRuleSetRequest::BindingRule);
  type.field("Datacenter", &ACLBindingRuleSetRequest::Datacenter);
  type.embed<catalog::WriteRequest>();
}

PROCONSUL_DESCRIBE_TYPE(ACLBindingRuleDeleteRequest, "structs.ACLBindingRuleDeleteRequest") {
  type.field("BindingRuleID", &ACLBindingRuleDeleteRequest::BindingRuleID);
  type.field("Datacenter", &ACLBindingRuleDeleteRequest::Datacenter);
  type.embed<catalog::WriteRequest>();
}

PROCONSUL_DESCRIBE_TYPE(ACLBindingRuleListRequest, "structs.ACLBindingRuleListRequest") {
  type.field("AuthMethod", &ACLBindingRuleListRequest::AuthMethod);
  type.field("Datacenter", &ACLBindingRuleListRequest::Datacenter);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(ACLBindingRuleListResponse, "structs.ACLBindingRuleListResponse") {
  type.field("BindingRules", &ACLBindingRuleListResponse::BindingRules);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(ACLAuthMethodGetRequest, "structs.ACLAuthMethodGetRequest") {
  type.field("AuthMethodName", &ACLAuthMethodGetRequest::AuthMethodName);
  type.field("Datacenter", &ACLAuthMethodGetRequest::Datacenter);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(ACLAuthMethodResponse, "structs.ACLAuthMethodResponse") {
  type.field("AuthMethod", &ACLAuthMethodResponse::AuthMethod);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(ACLAuthMethodSetRequest, "structs.ACLAuthMethodSetRequest") {
  type.field("AuthMethod", &ACLAuthMethodSetRequest::AuthMethod);
  type.field("Datacenter", &ACLAuthMethodSetRequest::Datacenter);
  type.embed<catalog::WriteRequest>();
}

PROCONSUL_DESCRIBE_TYPE(ACLAuthMethodDeleteRequest, "structs.ACLAuthMethodDeleteRequest") {
  type.field("AuthMethodName", &ACLAuthMethodDeleteRequest::AuthMethodName);
  type.field("Datacenter", &ACLAuthMethodDeleteRequest::Datacenter);
  type.embed<catalog::WriteRequest>();
}

PROCONSUL_DESCRIBE_TYPE(ACLAuthMethodListRequest, "structs.ACLAuthMethodListRequest") {
  type.field("Datacenter", &ACLAuthMethodListRequest::Datacenter);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(ACLAuthMethodListStub, "structs.ACLAuthMethodListStub") {
  type.field("MaxTokenTTL", &ACLAuthMethodListStub::MaxTokenTTL).readable().omit_empty();
  type.field("Name", &ACLAuthMethodListStub::Name);
  type.field("Type", &ACLAuthMethodListStub::Type);
  type.field("DisplayName", &ACLAuthMethodListStub::DisplayName).omit_empty();
  type.field("Description", &ACLAuthMethodListStub::Description).omit_empty();
  type.field("TokenLocality", &ACLAuthMethodListStub::TokenLocality).omit_empty();
  type.field("CreateIndex", &ACLAuthMethodListStub::CreateIndex);
  type.field("ModifyIndex", &ACLAuthMethodListStub::ModifyIndex);
}

PROCONSUL_DESCRIBE_TYPE(ACLAuthMethodListResponse, "structs.ACLAuthMethodListResponse") {
  type.field("AuthMethods", &ACLAuthMethodListResponse::AuthMethods);
  type.embed<catalog::QueryMeta>();
}

PROCONSUL_DESCRIBE_TYPE(ACLLoginParams, "structs.ACLLoginParams") {
  type.field("AuthMethod", &ACLLoginParams::AuthMethod);
  type.field("BearerToken", &ACLLoginParams::BearerToken);
  type.field("Meta", &ACLLoginParams::Meta).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(ACLLoginRequest, "structs.ACLLoginRequest") {
  type.field("Auth", &ACLLoginRequest::Auth);
  type.field("Datacenter", &ACLLoginRequest::Datacenter);
  type.embed<catalog::WriteRequest>();
}

PROCONSUL_DESCRIBE_TYPE(ACLLogoutRequest, "structs.ACLLogoutRequest") {
  type.field("Datacenter", &ACLLogoutRequest::Datacenter);
  type.embed<catalog::WriteRequest>();
}

PROCONSUL_DESCRIBE_TYPE(ACLAuthorizationRequest, "structs.ACLAuthorizationRequest") {
  type.field("Resource", &ACLAuthorizationRequest::Resource).go_type("acl.Resource");
  type.field("Segment", &ACLAuthorizationRequest::Segment).omit_empty();
  type.field("Access", &ACLAuthorizationRequest::Access);
}

PROCONSUL_DESCRIBE_TYPE(ACLAuthorizationResponse, "structs.ACLAuthorizationResponse") {
  type.embed<ACLAuthorizationRequest>();
  type.field("Allow", &ACLAuthorizationResponse::Allow);
}

PROCONSUL_DESCRIBE_TYPE(RemoteACLAuthorizationRequest, "structs.RemoteACLAuthorizationRequest") {
  type.field("Datacenter", &RemoteACLAuthorizationRequest::Datacenter);
  type.field("Requests", &RemoteACLAuthorizationRequest::Requests);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(ACLReplicationStatus, "structs.ACLReplicationStatus") {
  type.field("Enabled", &ACLReplicationStatus::Enabled);
  type.field("Running", &ACLReplicationStatus::Running);
  type.field("SourceDatacenter", &ACLReplicationStatus::SourceDatacenter);
  type.field("ReplicationType", &ACLReplicationStatus::ReplicationType);
  type.field("ReplicatedIndex", &ACLReplicationStatus::ReplicatedIndex);
  type.field("ReplicatedRoleIndex", &ACLReplicationStatus::ReplicatedRoleIndex);
  type.field("ReplicatedTokenIndex", &ACLReplicationStatus::ReplicatedTokenIndex);
  type.field("LastSuccess", &ACLReplicationStatus::LastSuccess);
  type.field("LastError", &ACLReplicationStatus::LastError);
  type.field("LastErrorMessage", &ACLReplicationStatus::LastErrorMessage);
}

}  // namespace proconsul::agent::rpc
