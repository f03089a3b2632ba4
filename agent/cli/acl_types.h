// Tokens, policies and the rest of access control as the HTTP API shows them to its clients: what the commands send,
// and what they print as JSON. Every field is kept, those of the enterprise edition too.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "base/type.h"
#include "base/value.h"

namespace proconsul::agent::cli {

/// A policy or a role: by ID, or by name in what a client sends.
struct AclLink {
  std::string ID{};
  std::string Name{};
};
PROCONSUL_DECLARE_TYPE(AclLink)

struct AclServiceIdentity {
  std::string ServiceName{};
  base::List<std::string> Datacenters{};  // none: all
};
PROCONSUL_DECLARE_TYPE(AclServiceIdentity)

struct AclNodeIdentity {
  std::string NodeName{};
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(AclNodeIdentity)

struct AclTemplateVariables {
  std::string Name{};
};
PROCONSUL_DECLARE_TYPE(AclTemplateVariables)

struct AclTemplatedPolicy {
  std::string TemplateName{};
  base::Pointer<AclTemplateVariables> TemplateVariables{};
  base::List<std::string> Datacenters{};  // none: all
};
PROCONSUL_DECLARE_TYPE(AclTemplatedPolicy)

struct AclToken {
  std::uint64_t CreateIndex{};
  std::uint64_t ModifyIndex{};
  std::string AccessorID{};
  std::string SecretID{};
  std::string Description{};
  base::List<AclLink> Policies{};
  base::List<AclLink> Roles{};
  base::List<AclServiceIdentity> ServiceIdentities{};
  base::List<AclNodeIdentity> NodeIdentities{};
  base::List<AclTemplatedPolicy> TemplatedPolicies{};
  bool Local{};
  std::string AuthMethod{};
  base::Duration ExpirationTTL{};
  base::Pointer<base::Time> ExpirationTime{};
  base::Time CreateTime{};
  base::Bytes Hash{};
  std::string Namespace{};
  std::string Partition{};
  std::string AuthMethodNamespace{};
};
PROCONSUL_DECLARE_TYPE(AclToken)

/// An element of GET /v1/acl/tokens: a token whose hash is shown even if there is none.
struct AclTokenEntry : AclToken {};
PROCONSUL_DECLARE_TYPE(AclTokenEntry)

struct AclPolicy {
  std::string ID{};
  std::string Name{};
  std::string Description{};
  std::string Rules{};
  base::List<std::string> Datacenters{};  // none: all
  base::Bytes Hash{};
  std::uint64_t CreateIndex{};
  std::uint64_t ModifyIndex{};
  std::string Namespace{};
  std::string Partition{};
};
PROCONSUL_DECLARE_TYPE(AclPolicy)

/// An element of GET /v1/acl/policies: a policy without its rules.
struct AclPolicyEntry : AclPolicy {};
PROCONSUL_DECLARE_TYPE(AclPolicyEntry)

struct AclRole {
  std::string ID{};
  std::string Name{};
  std::string Description{};
  base::List<AclLink> Policies{};
  base::List<AclServiceIdentity> ServiceIdentities{};
  base::List<AclNodeIdentity> NodeIdentities{};
  base::List<AclTemplatedPolicy> TemplatedPolicies{};
  base::Bytes Hash{};
  std::uint64_t CreateIndex{};
  std::uint64_t ModifyIndex{};
  std::string Namespace{};
  std::string Partition{};
};
PROCONSUL_DECLARE_TYPE(AclRole)

/// GET /v1/acl/token/ACCESSOR?expanded.
struct AclTokenExpanded : AclToken {
  base::List<AclPolicy> ExpandedPolicies{};
  base::List<AclRole> ExpandedRoles{};
  base::List<std::string> NamespaceDefaultPolicyIDs{};
  base::List<std::string> NamespaceDefaultRoleIDs{};
  std::string AgentACLDefaultPolicy{};
  std::string AgentACLDownPolicy{};
  std::string ResolvedByAgent{};
};
PROCONSUL_DECLARE_TYPE(AclTokenExpanded)

struct AclBindingRule {
  std::string ID{};
  std::string Description{};
  std::string AuthMethod{};
  std::string Selector{};
  std::string BindType{};
  std::string BindName{};
  base::Pointer<AclTemplateVariables> BindVars{};
  std::uint64_t CreateIndex{};
  std::uint64_t ModifyIndex{};
  std::string Namespace{};
  std::string Partition{};
};
PROCONSUL_DECLARE_TYPE(AclBindingRule)

struct AclAuthMethod {
  struct NamespaceRule {
    std::string Selector{};
    std::string BindNamespace{};
  };
  base::Duration MaxTokenTTL{};
  std::string Name{};
  std::string Type{};
  std::string DisplayName{};
  std::string Description{};
  std::string TokenLocality{};
  base::Map<base::Value> Config{};
  std::uint64_t CreateIndex{};
  std::uint64_t ModifyIndex{};
  base::List<NamespaceRule> NamespaceRules{};
  std::string Namespace{};
  std::string Partition{};
};
PROCONSUL_DECLARE_TYPE(AclAuthMethod::NamespaceRule)
PROCONSUL_DECLARE_TYPE(AclAuthMethod)

/// An element of GET /v1/acl/auth-methods: a method without its configuration.
struct AclAuthMethodEntry : AclAuthMethod {};
PROCONSUL_DECLARE_TYPE(AclAuthMethodEntry)

/// What GET /v1/acl/templated-policy/name/NAME tells of a template.
struct AclTemplate {
  std::string TemplateName{};
  std::string Schema{};
  std::string Template{};
  std::string Description{};
};
PROCONSUL_DECLARE_TYPE(AclTemplate)

/// POST /v1/acl/login.
struct AclLogin {
  std::string AuthMethod{};
  std::string BearerToken{};
  base::Map<std::string> Meta{};
};
PROCONSUL_DECLARE_TYPE(AclLogin)

}  // namespace proconsul::agent::cli
