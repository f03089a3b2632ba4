// Requests and replies of the ACL methods. Field lists: wire_schema.json of the wire reference.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "base/type.h"
#include "catalog/types/acl.h"
#include "catalog/types/common.h"

namespace proconsul::agent::rpc {

struct ACLInitialTokenBootstrapRequest : catalog::QueryOptions {
  std::string BootstrapSecret{};
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ACLInitialTokenBootstrapRequest)

/// TokenIDType: accessor, secret.
struct ACLTokenGetRequest : catalog::QueryOptions {
  std::string TokenID{};
  std::string TokenIDType{};
  bool Expanded{};
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ACLTokenGetRequest)

/// What a token is made of in the end.
struct ExpandedTokenInfo {
  base::List<base::Pointer<catalog::ACLPolicy>> ExpandedPolicies{};
  base::List<base::Pointer<catalog::ACLRole>> ExpandedRoles{};
  base::List<std::string> NamespaceDefaultPolicyIDs{};
  base::List<std::string> NamespaceDefaultRoleIDs{};
  std::string AgentACLDefaultPolicy{};
  std::string AgentACLDownPolicy{};
  std::string ResolvedByAgent{};
};
PROCONSUL_DECLARE_TYPE(ExpandedTokenInfo)

struct ACLTokenResponse : catalog::QueryMeta, ExpandedTokenInfo {
  base::Pointer<catalog::ACLToken> Token{};
  bool Redacted{};
  std::string SourceDatacenter{};
};
PROCONSUL_DECLARE_TYPE(ACLTokenResponse)

struct ACLTokenSetRequest : catalog::WriteRequest {
  catalog::ACLToken ACLToken{};
  bool Create{};
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ACLTokenSetRequest)

struct ACLTokenDeleteRequest : catalog::WriteRequest {
  std::string TokenID{};
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ACLTokenDeleteRequest)

struct ACLTokenListRequest : catalog::QueryOptions {
  bool IncludeLocal{};
  bool IncludeGlobal{};
  std::string Policy{};
  std::string Role{};
  std::string AuthMethod{};
  std::string ServiceName{};
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ACLTokenListRequest)

struct ACLTokenListStub {
  std::string AccessorID{};
  std::string SecretID{};
  std::string Description{};
  base::List<catalog::ACLTokenPolicyLink> Policies{};
  base::List<catalog::ACLTokenRoleLink> Roles{};
  base::List<base::Pointer<catalog::ACLServiceIdentity>> ServiceIdentities{};
  base::List<base::Pointer<catalog::ACLNodeIdentity>> NodeIdentities{};
  base::List<base::Pointer<catalog::ACLTemplatedPolicy>> TemplatedPolicies{};
  bool Local{};
  std::string AuthMethod{};
  base::Pointer<base::Time> ExpirationTime{};
  base::Time CreateTime{};
  base::Bytes Hash{};
  std::uint64_t CreateIndex{};
  std::uint64_t ModifyIndex{};
};
PROCONSUL_DECLARE_TYPE(ACLTokenListStub)

struct ACLTokenListResponse : catalog::QueryMeta {
  base::List<base::Pointer<ACLTokenListStub>> Tokens{};
};
PROCONSUL_DECLARE_TYPE(ACLTokenListResponse)

struct ACLTokenBatchGetRequest : catalog::QueryOptions {
  base::List<std::string> AccessorIDs{};
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ACLTokenBatchGetRequest)

struct ACLTokenBatchResponse : catalog::QueryMeta {
  base::List<base::Pointer<catalog::ACLToken>> Tokens{};
  bool Redacted{};
  bool Removed{};
};
PROCONSUL_DECLARE_TYPE(ACLTokenBatchResponse)

struct ACLPolicyGetRequest : catalog::QueryOptions {
  std::string PolicyID{};
  std::string PolicyName{};
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ACLPolicyGetRequest)

struct ACLPolicyResponse : catalog::QueryMeta {
  base::Pointer<catalog::ACLPolicy> Policy{};
};
PROCONSUL_DECLARE_TYPE(ACLPolicyResponse)

struct ACLPolicySetRequest : catalog::WriteRequest {
  catalog::ACLPolicy Policy{};
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ACLPolicySetRequest)

struct ACLPolicyDeleteRequest : catalog::WriteRequest {
  std::string PolicyID{};
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ACLPolicyDeleteRequest)

struct ACLPolicyListRequest : catalog::QueryOptions {
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ACLPolicyListRequest)

struct ACLPolicyListStub {
  std::string ID{};
  std::string Name{};
  std::string Description{};
  base::List<std::string> Datacenters{};
  base::Bytes Hash{};
  std::uint64_t CreateIndex{};
  std::uint64_t ModifyIndex{};
};
PROCONSUL_DECLARE_TYPE(ACLPolicyListStub)

struct ACLPolicyListResponse : catalog::QueryMeta {
  base::List<base::Pointer<ACLPolicyListStub>> Policies{};
};
PROCONSUL_DECLARE_TYPE(ACLPolicyListResponse)

struct ACLPolicyBatchGetRequest : catalog::QueryOptions {
  base::List<std::string> PolicyIDs{};
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ACLPolicyBatchGetRequest)

struct ACLPolicyBatchResponse : catalog::QueryMeta {
  base::List<base::Pointer<catalog::ACLPolicy>> Policies{};
};
PROCONSUL_DECLARE_TYPE(ACLPolicyBatchResponse)

struct ACLRoleGetRequest : catalog::QueryOptions {
  std::string RoleID{};
  std::string RoleName{};
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ACLRoleGetRequest)

struct ACLRoleResponse : catalog::QueryMeta {
  base::Pointer<catalog::ACLRole> Role{};
};
PROCONSUL_DECLARE_TYPE(ACLRoleResponse)

struct ACLRoleSetRequest : catalog::WriteRequest {
  catalog::ACLRole Role{};
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ACLRoleSetRequest)

struct ACLRoleDeleteRequest : catalog::WriteRequest {
  std::string RoleID{};
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ACLRoleDeleteRequest)

struct ACLRoleListRequest : catalog::QueryOptions {
  std::string Policy{};
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ACLRoleListRequest)

struct ACLRoleListResponse : catalog::QueryMeta {
  base::List<base::Pointer<catalog::ACLRole>> Roles{};
};
PROCONSUL_DECLARE_TYPE(ACLRoleListResponse)

struct ACLRoleBatchGetRequest : catalog::QueryOptions {
  base::List<std::string> RoleIDs{};
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ACLRoleBatchGetRequest)

struct ACLRoleBatchResponse : catalog::QueryMeta {
  base::List<base::Pointer<catalog::ACLRole>> Roles{};
};
PROCONSUL_DECLARE_TYPE(ACLRoleBatchResponse)

struct ACLBindingRuleGetRequest : catalog::QueryOptions {
  std::string BindingRuleID{};
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ACLBindingRuleGetRequest)

struct ACLBindingRuleResponse : catalog::QueryMeta {
  base::Pointer<catalog::ACLBindingRule> BindingRule{};
};
PROCONSUL_DECLARE_TYPE(ACLBindingRuleResponse)

struct ACLBindingRuleSetRequest : catalog::WriteRequest {
  catalog::ACLBindingRule BindingRule{};
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ACLBindingRuleSetRequest)

struct ACLBindingRuleDeleteRequest : catalog::WriteRequest {
  std::string BindingRuleID{};
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ACLBindingRuleDeleteRequest)

struct ACLBindingRuleListRequest : catalog::QueryOptions {
  std::string AuthMethod{};
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ACLBindingRuleListRequest)

struct ACLBindingRuleListResponse : catalog::QueryMeta {
  base::List<base::Pointer<catalog::ACLBindingRule>> BindingRules{};
};
PROCONSUL_DECLARE_TYPE(ACLBindingRuleListResponse)

struct ACLAuthMethodGetRequest : catalog::QueryOptions {
  std::string AuthMethodName{};
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ACLAuthMethodGetRequest)

struct ACLAuthMethodResponse : catalog::QueryMeta {
  base::Pointer<catalog::ACLAuthMethod> AuthMethod{};
};
PROCONSUL_DECLARE_TYPE(ACLAuthMethodResponse)

struct ACLAuthMethodSetRequest : catalog::WriteRequest {
  catalog::ACLAuthMethod AuthMethod{};
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ACLAuthMethodSetRequest)

struct ACLAuthMethodDeleteRequest : catalog::WriteRequest {
  std::string AuthMethodName{};
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ACLAuthMethodDeleteRequest)

struct ACLAuthMethodListRequest : catalog::QueryOptions {
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ACLAuthMethodListRequest)

struct ACLAuthMethodListStub {
  std::string Name{};
  std::string Type{};
  std::string DisplayName{};
  std::string Description{};
  base::Duration MaxTokenTTL{};
  std::string TokenLocality{};
  std::uint64_t CreateIndex{};
  std::uint64_t ModifyIndex{};
};
PROCONSUL_DECLARE_TYPE(ACLAuthMethodListStub)

struct ACLAuthMethodListResponse : catalog::QueryMeta {
  base::List<base::Pointer<ACLAuthMethodListStub>> AuthMethods{};
};
PROCONSUL_DECLARE_TYPE(ACLAuthMethodListResponse)

/// What somebody who logs in brings along.
struct ACLLoginParams {
  std::string AuthMethod{};
  std::string BearerToken{};
  base::Map<std::string> Meta{};  // of the caller, for the token's description
};
PROCONSUL_DECLARE_TYPE(ACLLoginParams)

struct ACLLoginRequest : catalog::WriteRequest {
  base::Pointer<ACLLoginParams> Auth{};
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ACLLoginRequest)

/// The token of the request is what is destroyed.
struct ACLLogoutRequest : catalog::WriteRequest {
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ACLLogoutRequest)

/// May this token do that?
struct ACLAuthorizationRequest {
  std::string Resource{};
  std::string Segment{};
  std::string Access{};
};
PROCONSUL_DECLARE_TYPE(ACLAuthorizationRequest)

struct ACLAuthorizationResponse : ACLAuthorizationRequest {
  bool Allow{};
};
PROCONSUL_DECLARE_TYPE(ACLAuthorizationResponse)

struct RemoteACLAuthorizationRequest : catalog::QueryOptions {
  std::string Datacenter{};
  base::List<ACLAuthorizationRequest> Requests{};
};
PROCONSUL_DECLARE_TYPE(RemoteACLAuthorizationRequest)

struct ACLReplicationStatus {
  bool Enabled{};
  bool Running{};
  std::string SourceDatacenter{};
  std::string ReplicationType{};
  std::uint64_t ReplicatedIndex{};
  std::uint64_t ReplicatedRoleIndex{};
  std::uint64_t ReplicatedTokenIndex{};
  base::Time LastSuccess{};
  base::Time LastError{};
  std::string LastErrorMessage{};
};
PROCONSUL_DECLARE_TYPE(ACLReplicationStatus)

}  // namespace proconsul::agent::rpc
