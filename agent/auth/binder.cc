#include "agent/auth/binder.h"

#include <utility>

#include "agent/auth/interpolate.h"
#include "agent/server/acl_names.h"
#include "base/filter/filter.h"
#include "base/quote.h"
#include "catalog/acl/builtin.h"
#include "catalog/acl/policies.h"
#include "catalog/store/key.h"

namespace proconsul::agent::auth {

using base::Errc;
using base::Error;
using base::Result;
using catalog::ACLBindingRule;
using catalog::ACLTemplatedPolicy;
using catalog::ACLTemplatedPolicyVariables;
using Variables = std::map<std::string, std::string>;

namespace {

Error failed(std::string detail) {
  return {Errc::internal, std::move(detail)};
}

Result<std::string> name_of(const std::string& text, const Variables& variables, bool (*is_valid)(std::string_view)) {
  Result<std::string> name = interpolate(text, variables);
  if (!name) return failed("error interpreting template: " + name.error().detail);
  if (!is_valid(*name)) return failed("invalid bind name: " + base::quote(*name));
  return name;
}

Result<ACLTemplatedPolicy> templated_policy(const ACLBindingRule& rule, const Variables& variables) {
  const catalog::PolicyTemplate* base = catalog::find_policy_template(rule.BindName);
  if (!base) {
    return failed("Bind name for templated-policy bind type does not match existing template name: " + rule.BindName);
  }
  ACLTemplatedPolicy policy{.TemplateID = std::string(base->id), .TemplateName = rule.BindName};
  if (rule.BindVars) {
    Result<std::string> name = interpolate(rule.BindVars->Name, variables);
    if (!name) return failed("failed to interpret templated policy variables: " + name.error().detail);
    policy.TemplateVariables.emplace().Name = std::move(*name);
  }
  if (Result<> valid = catalog::validate_templated_policy(policy, *base); !valid) {
    return failed("templated policy failed validation: " + valid.error().detail);
  }
  return policy;
}

bool matches(const ACLBindingRule& rule, const Identity& identity) {
  if (rule.Selector.empty()) return true;
  const Result<base::filter::Filter> selector = base::filter::Filter::compile(rule.Selector, *identity.type);
  return selector && selector->matches_object(identity.fields.get());
}

Result<> add(const catalog::Tables& tables, const ACLBindingRule& rule, const Variables& variables,
             const std::string& datacenter, catalog::ACLToken& token) {
  if (rule.BindType == "templated-policy") {
    Result<ACLTemplatedPolicy> policy = templated_policy(rule, variables);
    if (!policy) return policy.error();
    token.TemplatedPolicies.emplace_back().emplace() = std::move(*policy);
    return {};
  }
  const bool is_identity = rule.BindType == "service" || rule.BindType == "node";
  const Result<std::string> name =
      name_of(rule.BindName, variables, is_identity ? &catalog::is_identity_name : &server::is_role_name);
  if (!name) return name.error();
  if (rule.BindType == "service") {
    token.ServiceIdentities.emplace_back().emplace().ServiceName = *name;
  } else if (rule.BindType == "node") {
    token.NodeIdentities.emplace_back().emplace() = {.NodeName = *name, .Datacenter = datacenter};
  } else if (rule.BindType == "policy") {
    if (const auto* policy = catalog::policy_by_name(tables, *name)) token.Policies.push_back({.ID = policy->ID});
  } else if (rule.BindType == "role") {
    if (const auto* role = catalog::role_by_name(tables, *name)) token.Roles.push_back({.ID = role->ID});
  }
  return {};
}

}  // namespace

Result<> check_selector(const ACLBindingRule& rule, const Identity& nobody) {
  if (rule.Selector.empty()) return {};
  const Result<base::filter::Filter> selector = base::filter::Filter::compile(rule.Selector, *nobody.type);
  return selector ? Result<>() : Result<>(failed(selector.error().detail));
}

Result<> check_binding(const ACLBindingRule& rule, const Identity& nobody) {
  Variables variables = nobody.variables;
  for (auto& [name, value] : variables) value = "fake";
  Result<> checked;
  const auto check = [&](bool (*is_valid)(std::string_view)) {
    const Result<std::string> name = name_of(rule.BindName, variables, is_valid);
    return name ? Result<>() : Result<>(name.error());
  };
  if (rule.BindType == "service" || rule.BindType == "node") {
    checked = check(&catalog::is_identity_name);
  } else if (rule.BindType == "role") {
    checked = check(&server::is_role_name);
  } else if (rule.BindType == "policy") {
    checked = check(&server::is_policy_name);
  } else if (rule.BindType == "templated-policy") {
    const Result<ACLTemplatedPolicy> policy = templated_policy(rule, variables);
    if (!policy) checked = policy.error();
  } else {
    return failed("invalid Binding Rule: unknown BindType " + base::quote(rule.BindType));
  }
  if (checked) return {};
  return failed("failed to validate bindType " + base::quote(rule.BindType) + ": " + checked.error().detail);
}

Result<> bind(const catalog::Tables& tables, const Identity& identity, const std::string& datacenter,
              catalog::ACLToken& token) {
  for (const auto [key, rule] : tables.acl_binding_rules_by_method.prefix(catalog::index_key({token.AuthMethod}))) {
    if (!matches(*rule, identity)) continue;
    if (Result<> added = add(tables, *rule, identity.variables, datacenter, token); !added) return added;
  }
  return {};
}

bool is_bound(const catalog::ACLToken& token) {
  return !token.ServiceIdentities.empty() || !token.NodeIdentities.empty() || !token.TemplatedPolicies.empty() ||
         !token.Roles.empty() || !token.Policies.empty();
}

}  // namespace proconsul::agent::auth
