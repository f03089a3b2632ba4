// Tokens, policies, roles, auth methods and binding rules, and the commands that change them.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "base/type.h"
#include "base/value.h"
#include "catalog/types/common.h"

namespace proconsul::catalog {

struct ACLTokenPolicyLink {
  std::string ID{};
  std::string Name{};  // follows the policy's whenever it is read
  bool operator==(const ACLTokenPolicyLink&) const = default;
};
PROCONSUL_DECLARE_TYPE(ACLTokenPolicyLink)

struct ACLTokenRoleLink {
  std::string ID{};
  std::string Name{};  // follows the role's whenever it is read
  bool operator==(const ACLTokenRoleLink&) const = default;
};
PROCONSUL_DECLARE_TYPE(ACLTokenRoleLink)

struct ACLRolePolicyLink {
  std::string ID{};
  std::string Name{};  // follows the policy's whenever it is read
  bool operator==(const ACLRolePolicyLink&) const = default;
};
PROCONSUL_DECLARE_TYPE(ACLRolePolicyLink)

/// What a service of that name needs to run with a sidecar.
struct ACLServiceIdentity {
  std::string ServiceName{};
  base::List<std::string> Datacenters{};  // none: all
  bool operator==(const ACLServiceIdentity&) const = default;
};
PROCONSUL_DECLARE_TYPE(ACLServiceIdentity)

/// What an agent of that name needs in one datacenter.
struct ACLNodeIdentity {
  std::string NodeName{};
  std::string Datacenter{};
  bool operator==(const ACLNodeIdentity&) const = default;
};
PROCONSUL_DECLARE_TYPE(ACLNodeIdentity)

struct ACLTemplatedPolicyVariables {
  std::string Name{};
  bool operator==(const ACLTemplatedPolicyVariables&) const = default;
};
PROCONSUL_DECLARE_TYPE(ACLTemplatedPolicyVariables)

struct ACLTemplatedPolicy {
  std::string TemplateID{};
  std::string TemplateName{};
  base::Pointer<ACLTemplatedPolicyVariables> TemplateVariables{};
  base::List<std::string> Datacenters{};  // none: all
  bool operator==(const ACLTemplatedPolicy&) const = default;
};
PROCONSUL_DECLARE_TYPE(ACLTemplatedPolicy)

struct ACLToken : RaftIndex {
  std::string AccessorID{};
  std::string SecretID{};
  std::string Description{};
  base::List<ACLTokenPolicyLink> Policies{};
  base::List<ACLTokenRoleLink> Roles{};
  base::List<base::Pointer<ACLServiceIdentity>> ServiceIdentities{};
  base::List<base::Pointer<ACLNodeIdentity>> NodeIdentities{};
  base::List<base::Pointer<ACLTemplatedPolicy>> TemplatedPolicies{};
  bool Local{};              // not replicated to other datacenters
  std::string AuthMethod{};  // that a login made it with
  base::Pointer<base::Time> ExpirationTime{};
  base::Duration ExpirationTTL{};
  base::Time CreateTime{};
  base::Bytes Hash{};  // BLAKE2b-256 of what makes up the token (acl/hash.h)
};
PROCONSUL_DECLARE_TYPE(ACLToken)

struct ACLPolicy : RaftIndex {
  std::string ID{};
  std::string Name{};
  std::string Description{};
  std::string Rules{};
  base::List<std::string> Datacenters{};  // none: all
  base::Bytes Hash{};
};
PROCONSUL_DECLARE_TYPE(ACLPolicy)

struct ACLRole : RaftIndex {
  std::string ID{};
  std::string Name{};
  std::string Description{};
  base::List<ACLRolePolicyLink> Policies{};
  base::List<base::Pointer<ACLServiceIdentity>> ServiceIdentities{};
  base::List<base::Pointer<ACLNodeIdentity>> NodeIdentities{};
  base::List<base::Pointer<ACLTemplatedPolicy>> TemplatedPolicies{};
  base::Bytes Hash{};
};
PROCONSUL_DECLARE_TYPE(ACLRole)

/// Which tokens a login with an auth method may get.
struct ACLBindingRule : RaftIndex {
  std::string ID{};
  std::string Description{};
  std::string AuthMethod{};
  std::string Selector{};
  std::string BindType{};  // service, role, node, templated-policy, policy
  std::string BindName{};
  base::Pointer<ACLTemplatedPolicyVariables> BindVars{};
};
PROCONSUL_DECLARE_TYPE(ACLBindingRule)

struct ACLAuthMethod : RaftIndex {
  std::string Name{};
  std::string Type{};
  std::string DisplayName{};
  std::string Description{};
  base::Duration MaxTokenTTL{};
  std::string TokenLocality{};  // local (also when empty), global
  base::Map<base::Value> Config{};
};
PROCONSUL_DECLARE_TYPE(ACLAuthMethod)

/// Command 11.
struct ACLTokenBootstrapRequest {
  ACLToken Token{};
  std::uint64_t ResetIndex{};
};
PROCONSUL_DECLARE_TYPE(ACLTokenBootstrapRequest)

/// Command 17.
struct ACLTokenBatchSetRequest {
  base::List<base::Pointer<ACLToken>> Tokens{};
  bool CAS{};
  bool AllowMissingLinks{};
  bool ProhibitUnprivileged{};
  bool FromReplication{};
};
PROCONSUL_DECLARE_TYPE(ACLTokenBatchSetRequest)

/// Command 18: by accessor.
struct ACLTokenBatchDeleteRequest {
  base::List<std::string> TokenIDs{};
};
PROCONSUL_DECLARE_TYPE(ACLTokenBatchDeleteRequest)

/// Command 19.
struct ACLPolicyBatchSetRequest {
  base::List<base::Pointer<ACLPolicy>> Policies{};
};
PROCONSUL_DECLARE_TYPE(ACLPolicyBatchSetRequest)

/// Command 20.
struct ACLPolicyBatchDeleteRequest {
  base::List<std::string> PolicyIDs{};
};
PROCONSUL_DECLARE_TYPE(ACLPolicyBatchDeleteRequest)

/// Command 23.
struct ACLRoleBatchSetRequest {
  base::List<base::Pointer<ACLRole>> Roles{};
  bool AllowMissingLinks{};
};
PROCONSUL_DECLARE_TYPE(ACLRoleBatchSetRequest)

/// Command 24.
struct ACLRoleBatchDeleteRequest {
  base::List<std::string> RoleIDs{};
};
PROCONSUL_DECLARE_TYPE(ACLRoleBatchDeleteRequest)

/// Command 25.
struct ACLBindingRuleBatchSetRequest {
  base::List<base::Pointer<ACLBindingRule>> BindingRules{};
};
PROCONSUL_DECLARE_TYPE(ACLBindingRuleBatchSetRequest)

/// Command 26.
struct ACLBindingRuleBatchDeleteRequest {
  base::List<std::string> BindingRuleIDs{};
};
PROCONSUL_DECLARE_TYPE(ACLBindingRuleBatchDeleteRequest)

/// Command 27.
struct ACLAuthMethodBatchSetRequest {
  base::List<base::Pointer<ACLAuthMethod>> AuthMethods{};
};
PROCONSUL_DECLARE_TYPE(ACLAuthMethodBatchSetRequest)

/// Command 28.
struct ACLAuthMethodBatchDeleteRequest {
  base::List<std::string> AuthMethodNames{};
};
PROCONSUL_DECLARE_TYPE(ACLAuthMethodBatchDeleteRequest)

}  // namespace proconsul::catalog
