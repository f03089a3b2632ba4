// `acl token read -expanded`: a token with all that it is made of, down to the rules.
#include <map>

#include "agent/cli/acl_text.h"
#include "base/quote.h"
#include "catalog/acl/builtin.h"

namespace proconsul::agent::cli {
namespace {

std::string datacenters_of(const base::List<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out.empty() ? "all" : out;
}

// Every line of the rules behind `indent`, but for the first, which goes where it is put.
std::string indented(const std::string& rules, const std::string& indent) {
  std::string out;
  for (const char c : rules) {
    out += c;
    if (c == '\n') out += indent;
  }
  return out;
}

class Sheet {
 public:
  explicit Sheet(const AclTokenExpanded& token) : token_(token) {
    for (const AclPolicy& policy : token.ExpandedPolicies) policies_[policy.ID] = &policy;
    for (const AclRole& role : token.ExpandedRoles) roles_[role.ID] = &role;
  }

  void layer_of_token() {
    policies("", token_.Policies);
    service_identities("", token_.ServiceIdentities);
    node_identities("", token_.NodeIdentities);
    templated_policies();
    if (!token_.Roles.empty()) text_ += "Roles:\n";
    for (const AclLink& link : token_.Roles) role(link.ID);
    text_ += "=== End of Authorizer Layer 0: Token ===\n";
  }

  void layer_of_namespace() {
    if (token_.NamespaceDefaultPolicyIDs.empty() && token_.NamespaceDefaultRoleIDs.empty()) return;
    text_ += "=== Start of Authorizer Layer 1: Token Namespace\u2019s Defaults (Inherited) ===\n";
    text_ += "Description: ACL Roles inherited by all Tokens in Namespace " + base::quote(token_.Namespace) + "\n\n";
    text_ += "Namespace Policy Defaults:\n";
    for (const std::string& id : token_.NamespaceDefaultPolicyIDs) policy(id, "\t");
    text_ += "Namespace Role Defaults:\n";
    for (const std::string& id : token_.NamespaceDefaultRoleIDs) role(id);
    text_ += "=== End of Authorizer Layer 1: Token Namespace\u2019s Defaults (Inherited) ===\n";
  }

  void layer_of_agent() {
    text_ +=
        "=== Start of Authorizer Layer 2: Agent Configuration Defaults (Inherited) ===\n"
        "Description: Defined at request-time by the agent that resolves the ACL token; other agents may have "
        "different "
        "configuration defaults\n";
    text_ += "Resolved By Agent: " + base::quote(token_.ResolvedByAgent) + "\n\n";
    text_ += "Default Policy: " + token_.AgentACLDefaultPolicy +
             "\n\tDescription: Backstop rule used if no preceding layer has a matching rule (refer to default_policy "
             "option in agent configuration)\n\n";
    text_ += "Down Policy: " + token_.AgentACLDownPolicy +
             "\n\tDescription: Defines what to do if this Token's information cannot be read from the "
             "primary_datacenter (refer to down_policy option in agent configuration)\n\n";
  }

  std::string take() { return std::move(text_); }

 private:
  // `indent` is that of the section's title; what is in the section stands one tab further right.
  void policies(const std::string& indent, const base::List<AclLink>& links) {
    if (!links.empty()) text_ += indent + "Policies:\n";
    for (const AclLink& link : links) policy(link.ID, indent + '\t');
  }

  void policy(const std::string& id, const std::string& indent) {
    static const AclPolicy unknown;
    const auto found = policies_.find(id);
    const AclPolicy& policy = found == policies_.end() ? unknown : *found->second;
    text_ += indent + "Policy Name: " + policy.Name + '\n';
    text_ += indent + "\tID: " + policy.ID + '\n';
    text_ += indent + "\tDescription: " + policy.Description + '\n';
    text_ += indent + "\tRules:\n";
    text_ += indent + "\t\t" + indented(policy.Rules, indent + "\t\t") + "\n\n";
  }

  void synthetic(const catalog::ACLPolicy& policy, const std::string& indent) {
    text_ += indent + "\tDescription: " + policy.Description + '\n';
    text_ += indent + "\tRules:" + indented(policy.Rules, indent + "\t\t") + "\n\n";
  }

  void service_identities(const std::string& indent, const base::List<AclServiceIdentity>& identities) {
    if (!identities.empty()) text_ += indent + "Service Identities:\n";
    for (const AclServiceIdentity& one : identities) {
      text_ += indent + "\tName: " + one.ServiceName + " (Datacenters: " + datacenters_of(one.Datacenters) + ")\n";
      const catalog::ACLServiceIdentity identity{.ServiceName = one.ServiceName, .Datacenters = one.Datacenters};
      synthetic(catalog::synthetic_policy(identity), indent + '\t');
    }
  }

  void node_identities(const std::string& indent, const base::List<AclNodeIdentity>& identities) {
    if (!identities.empty()) text_ += indent + "Node Identities:\n";
    for (const AclNodeIdentity& one : identities) {
      text_ += indent + "\tName: " + one.NodeName + " (Datacenter: " + one.Datacenter + ")\n";
      const catalog::ACLNodeIdentity identity{.NodeName = one.NodeName, .Datacenter = one.Datacenter};
      synthetic(catalog::synthetic_policy(identity), indent + '\t');
    }
  }

  void templated_policies() {
    if (!token_.TemplatedPolicies.empty()) text_ += "Templated Policies:\n";
    for (const AclTemplatedPolicy& one : token_.TemplatedPolicies) {
      catalog::ACLTemplatedPolicy policy{.TemplateName = one.TemplateName, .Datacenters = one.Datacenters};
      text_ += '\t' + one.TemplateName + '\n';
      if (one.TemplateVariables && !one.TemplateVariables->Name.empty()) {
        policy.TemplateVariables.emplace().Name = one.TemplateVariables->Name;
        text_ += "\t\tName: " + one.TemplateVariables->Name + '\n';
      }
      text_ += "\t\tDatacenters: " + datacenters_of(one.Datacenters) + '\n';
      // A newer server may know more templates than we do.
      if (const auto made = catalog::synthetic_policy(policy)) synthetic(*made, "\t");
    }
  }

  void role(const std::string& id) {
    static const AclRole unknown;
    const auto found = roles_.find(id);
    const AclRole& role = found == roles_.end() ? unknown : *found->second;
    text_ += "\tRole Name: " + role.Name + "\n\t\tID: " + role.ID + "\n\t\tDescription: " + role.Description + '\n';
    policies("\t\t", role.Policies);
    service_identities("\t\t", role.ServiceIdentities);
    node_identities("\t\t", role.NodeIdentities);
  }

  const AclTokenExpanded& token_;
  std::map<std::string, const AclPolicy*> policies_{};
  std::map<std::string, const AclRole*> roles_{};
  std::string text_{};
};

}  // namespace

std::string acl_text(const AclTokenExpanded& token, bool meta) {
  AclToken head = token;  // its links and identities come with their rules below
  head.Policies.reset();
  head.Roles.reset();
  head.ServiceIdentities.reset();
  head.NodeIdentities.reset();
  head.TemplatedPolicies.reset();
  Sheet sheet(token);
  sheet.layer_of_token();
  sheet.layer_of_namespace();
  sheet.layer_of_agent();
  return acl_text(head, meta) + sheet.take();
}

}  // namespace proconsul::agent::cli
