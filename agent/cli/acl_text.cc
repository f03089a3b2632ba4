#include "agent/cli/acl_text.h"

#include <algorithm>
#include <ctime>
#include <vector>

#include "agent/cli/text.h"
#include "base/json.h"

namespace proconsul::agent::cli {
namespace {

// Lines "Label:   value" with the values in one column, all behind the same indentation.
class Sheet {
 public:
  /// `column`: where values begin, behind the indentation.
  explicit Sheet(std::size_t column, std::string indent = "") : column_(column), indent_(std::move(indent)) {}

  void row(std::string_view label, std::string_view value) {
    std::string line = std::string(label) + ':';
    line.resize(std::max(column_, line.size()), ' ');
    text_ += indent_ + line + std::string(value) + '\n';
  }
  void row_unless_empty(std::string_view label, std::string_view value) {
    if (!value.empty()) row(label, value);
  }
  void indexes(std::uint64_t create, std::uint64_t modify) {
    row("Create Index", std::to_string(create));
    row("Modify Index", std::to_string(modify));
  }
  void line(std::string_view text) { text_ += indent_ + std::string(text) + '\n'; }
  /// What stands there already, not indented anew.
  void append(std::string_view text) { text_ += text; }

  const std::string& indent() const { return indent_; }
  std::string take() { return std::move(text_); }

 private:
  std::size_t column_;
  std::string indent_;
  std::string text_{};
};

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    out += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    out += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string joined(const base::List<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

std::string datacenters_of(const base::List<std::string>& names) {
  return names.empty() ? "all" : joined(names);
}

void links(Sheet& sheet, std::string_view title, const base::List<AclLink>& list) {
  if (!list.empty()) sheet.line(std::string(title) + ':');
  for (const AclLink& link : list) sheet.line("   " + link.ID + " - " + link.Name);
}

// Service identities, node identities and templated policies of a token or role.
template <class Holder>
void identities(Sheet& sheet, const Holder& holder) {
  if (!holder.ServiceIdentities.empty()) sheet.line("Service Identities:");
  for (const AclServiceIdentity& one : holder.ServiceIdentities) {
    sheet.line("   " + one.ServiceName + " (Datacenters: " + datacenters_of(one.Datacenters) + ')');
  }
  if (!holder.NodeIdentities.empty()) sheet.line("Node Identities:");
  for (const AclNodeIdentity& one : holder.NodeIdentities) {
    sheet.line("   " + one.NodeName + " (Datacenter: " + one.Datacenter + ')');
  }
  if (!holder.TemplatedPolicies.empty()) sheet.line("Templated Policies:");
  for (const AclTemplatedPolicy& one : holder.TemplatedPolicies) {
    sheet.line("   " + one.TemplateName);
    if (one.TemplateVariables && !one.TemplateVariables->Name.empty()) {
      sheet.line("      Name: " + one.TemplateVariables->Name);
    }
    sheet.line("      Datacenters: " + datacenters_of(one.Datacenters));
  }
}

constexpr std::size_t kTokenColumn = 18;
constexpr std::size_t kColumn = 14;
constexpr std::size_t kMethodColumn = 15;
constexpr const char* kListIndent = "   ";

void token_head(Sheet& sheet, const AclToken& token, bool meta) {
  sheet.row("AccessorID", token.AccessorID);
  sheet.row("SecretID", token.SecretID);
  sheet.row_unless_empty("Partition", token.Partition);
  sheet.row_unless_empty("Namespace", token.Namespace);
  sheet.row("Description", token.Description);
  sheet.row("Local", token.Local ? "true" : "false");
  if (!token.AuthMethod.empty()) {
    sheet.row("Auth Method", token.AuthMethod + " (Namespace: " + token.AuthMethodNamespace + ')');
  }
  sheet.row("Create Time", time_text(token.CreateTime));
  if (token.ExpirationTime && !token.ExpirationTime->is_zero()) {
    sheet.row("Expiration Time", time_text(*token.ExpirationTime));
  }
  if (!meta) return;
  sheet.row("Hash", hex(token.Hash));
  sheet.indexes(token.CreateIndex, token.ModifyIndex);
}

void policy_lines(Sheet& sheet, const AclPolicy& policy, bool meta) {
  sheet.row_unless_empty("Partition", policy.Partition);
  sheet.row_unless_empty("Namespace", policy.Namespace);
  sheet.row("Description", policy.Description);
  sheet.row("Datacenters", joined(policy.Datacenters));
  if (!meta) return;
  sheet.row("Hash", hex(policy.Hash));
  sheet.indexes(policy.CreateIndex, policy.ModifyIndex);
}

void role_lines(Sheet& sheet, const AclRole& role, bool meta) {
  sheet.row_unless_empty("Partition", role.Partition);
  sheet.row_unless_empty("Namespace", role.Namespace);
  sheet.row("Description", role.Description);
  if (meta) {
    sheet.row("Hash", hex(role.Hash));
    sheet.indexes(role.CreateIndex, role.ModifyIndex);
  }
  links(sheet, "Policies", role.Policies);
  identities(sheet, role);
}

// `variables`: how their list is indented.
void rule_lines(Sheet& sheet, const AclBindingRule& rule, bool meta, std::string_view variables) {
  sheet.row_unless_empty("Partition", rule.Partition);
  sheet.row_unless_empty("Namespace", rule.Namespace);
  sheet.row("AuthMethod", rule.AuthMethod);
  sheet.row("Description", rule.Description);
  sheet.row("BindType", rule.BindType);
  sheet.row("BindName", rule.BindName);
  if (rule.BindVars && !rule.BindVars->Name.empty()) {
    sheet.row("BindVars", "\n" + std::string(variables) + "- Name: " + rule.BindVars->Name);
  }
  sheet.row("Selector", rule.Selector);
  if (meta) sheet.indexes(rule.CreateIndex, rule.ModifyIndex);
}

// What may stand for the blank of a template that asks for a name.
struct NamedTemplate {
  std::string_view name, variable, example;
};
constexpr NamedTemplate kNamedTemplates[] = {
    {"builtin/service", "The name of the service", "api"},
    {"builtin/node", "The node name", "node-1"},
    {"builtin/api-gateway", "The api gateway service name", "api-gateway"},
};
constexpr std::string_view kPlainTemplates[] = {"builtin/dns", "builtin/nomad-server", "builtin/nomad-client"};

}  // namespace

std::string time_text(const base::Time& time) {
  std::string text = base::to_rfc3339(time);
  if (const std::size_t at = text.find('T'); at != std::string::npos) text[at] = ' ';
  if (text.ends_with('Z')) return text.substr(0, text.size() - 1) + " +0000 UTC";
  // ...+01:00
  const std::string offset = text.substr(text.size() - 6, 3) + text.substr(text.size() - 2);
  std::string zone = offset;
  const std::time_t seconds = static_cast<std::time_t>(base::unix_seconds(time));
  std::tm here{};
  // A zone is known by name only if it is the one we are in.
  if (::localtime_r(&seconds, &here) != nullptr && here.tm_gmtoff == time.zone_minutes * 60 + time.zone_seconds) {
    zone = here.tm_zone;
  }
  return text.substr(0, text.size() - 6) + ' ' + offset + ' ' + zone;
}

std::string acl_text(const AclToken& token, bool meta) {
  Sheet sheet(kTokenColumn);
  token_head(sheet, token, meta);
  links(sheet, "Policies", token.Policies);
  links(sheet, "Roles", token.Roles);
  identities(sheet, token);
  return sheet.take();
}

std::string acl_list_text(const base::List<AclTokenEntry>& tokens, bool meta) {
  std::string out;
  for (const AclTokenEntry& token : tokens) {
    if (&token != &tokens.front()) out += '\n';
    out += acl_text(static_cast<const AclToken&>(token), meta);
  }
  return out;
}

std::string acl_text(const AclPolicy& policy, bool meta) {
  Sheet sheet(kColumn);
  sheet.row("ID", policy.ID);
  sheet.row("Name", policy.Name);
  policy_lines(sheet, policy, meta);
  sheet.line("Rules:");
  return sheet.take() + policy.Rules;
}

std::string acl_list_text(const base::List<AclPolicyEntry>& policies, bool meta) {
  std::string out;
  for (const AclPolicyEntry& policy : policies) {
    Sheet sheet(kColumn, kListIndent);
    sheet.append(policy.Name + ":\n");
    sheet.row("ID", policy.ID);
    policy_lines(sheet, policy, meta);
    out += sheet.take();
  }
  return out;
}

std::string acl_text(const AclRole& role, bool meta) {
  Sheet sheet(kColumn);
  sheet.row("ID", role.ID);
  sheet.row("Name", role.Name);
  role_lines(sheet, role, meta);
  return sheet.take();
}

std::string acl_list_text(const base::List<AclRole>& roles, bool meta) {
  std::string out;
  for (const AclRole& role : roles) {
    Sheet sheet(kColumn, kListIndent);
    sheet.append(role.Name + ":\n");
    sheet.row("ID", role.ID);
    role_lines(sheet, role, meta);
    out += sheet.take();
  }
  return out;
}

std::string acl_text(const AclAuthMethod& method, bool meta) {
  Sheet sheet(kMethodColumn);
  sheet.row("Name", method.Name);
  sheet.row("Type", method.Type);
  sheet.row_unless_empty("Partition", method.Partition);
  sheet.row_unless_empty("Namespace", method.Namespace);
  sheet.row_unless_empty("DisplayName", method.DisplayName);
  sheet.row("Description", method.Description);
  if (method.MaxTokenTTL.nanoseconds > 0) sheet.row("MaxTokenTTL", base::to_string(method.MaxTokenTTL));
  sheet.row_unless_empty("TokenLocality", method.TokenLocality);
  if (!method.NamespaceRules.empty()) sheet.line("NamespaceRules:");
  for (const AclAuthMethod::NamespaceRule& rule : method.NamespaceRules) {
    sheet.row("   Selector", "   " + rule.Selector);
    sheet.row("   BindNamespace", ' ' + rule.BindNamespace);
  }
  if (meta) sheet.indexes(method.CreateIndex, method.ModifyIndex);
  sheet.line("Config:");
  return sheet.take() + indented_json(base::to_json(method.Config), "  ");
}

std::string acl_list_text(const base::List<AclAuthMethodEntry>& methods, bool meta) {
  std::string out;
  for (const AclAuthMethodEntry& method : methods) {
    Sheet sheet(kColumn, kListIndent);
    sheet.append(method.Name + ":\n");
    sheet.row("Type", method.Type);
    sheet.row_unless_empty("Partition", method.Partition);
    sheet.row_unless_empty("Namespace", method.Namespace);
    sheet.row_unless_empty("DisplayName", method.DisplayName);
    sheet.row("Description", method.Description);
    if (meta) sheet.indexes(method.CreateIndex, method.ModifyIndex);
    out += sheet.take();
  }
  return out;
}

std::string acl_text(const AclBindingRule& rule, bool meta) {
  Sheet sheet(kColumn);
  sheet.row("ID", rule.ID);
  rule_lines(sheet, rule, meta, "     ");
  return sheet.take();
}

std::string acl_list_text(const base::List<AclBindingRule>& rules, bool meta) {
  std::string out;
  for (const AclBindingRule& rule : rules) {
    Sheet sheet(kColumn, kListIndent);
    sheet.append(rule.ID + ":\n");
    rule_lines(sheet, rule, meta, "      ");
    out += sheet.take();
  }
  return out;
}

std::string acl_text(const AclTemplate& policy, bool meta) {
  Sheet sheet(17);
  sheet.row("Name", policy.TemplateName);
  sheet.row("Description", policy.Description);
  std::string out = sheet.take() + "Input variables:";
  const std::string usage = "Example usage:\n\tconsul acl token create -templated-policy " + policy.TemplateName;
  const auto* named = std::ranges::find(kNamedTemplates, policy.TemplateName, &NamedTemplate::name);
  if (named != std::end(kNamedTemplates)) {
    out += "\n\tName: String - Required - " + std::string(named->variable) + ".\n" + usage +
           " -var name:" + std::string(named->example) + '\n';
  } else if (std::ranges::find(kPlainTemplates, policy.TemplateName) != std::end(kPlainTemplates)) {
    out += " None\n" + usage + '\n';
  } else {
    out += "   None\n";
  }
  if (!meta) return out;
  if (!policy.Schema.empty()) out += "Schema:\n" + policy.Schema + "\n\n";
  return out + "Raw Template:\n" + policy.Template + '\n';
}

std::string acl_list_text(const base::Map<AclTemplate>& templates, bool) {
  std::vector<std::string> names;
  for (const auto& [key, one] : templates) names.push_back(one.TemplateName);
  std::ranges::sort(names);
  std::string out;
  for (const std::string& name : names) out += name + '\n';
  return out;
}

}  // namespace proconsul::agent::cli
