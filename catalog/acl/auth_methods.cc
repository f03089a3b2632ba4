#include "catalog/acl/auth_methods.h"

#include <utility>
#include <vector>

#include "catalog/acl/tokens.h"
#include "catalog/store/key.h"

namespace proconsul::catalog {
namespace {

using base::Errc;
using base::Error;
using base::Result;

constexpr std::string_view kMethods = "acl-auth-methods";
constexpr std::string_view kRules = "acl-binding-rules";

Error failed(std::string detail) {
  return {Errc::internal, std::move(detail)};
}

void insert_row(Transaction& tx, ACLAuthMethod method) {
  const std::string key = index_key({method.Name});
  tx.tables().acl_auth_methods.insert(key, base::make_row(std::move(method)));
}

void erase_rows(Transaction& tx, const ACLBindingRule* rule) {
  const auto kept = base::RowPtr<ACLBindingRule>::share(static_cast<const base::Row<ACLBindingRule>*>(rule));
  tx.tables().acl_binding_rules_by_method.erase(index_key({kept->AuthMethod, kept->ID}));
  tx.tables().acl_binding_rules.erase(index_key({kept->ID}));
}

void insert_rows(Transaction& tx, ACLBindingRule rule) {
  if (const ACLBindingRule* old = tx.tables().acl_binding_rules.get(index_key({rule.ID}))) erase_rows(tx, old);
  const auto row = base::make_row(std::move(rule));
  tx.tables().acl_binding_rules.insert(index_key({row->ID}), row);
  tx.tables().acl_binding_rules_by_method.insert(index_key({row->AuthMethod, row->ID}), row);
}

Result<> set(Transaction& tx, ACLAuthMethod method) {
  if (method.Name.empty()) return failed("Missing ACL Auth Method Name");
  if (method.Type.empty()) return failed("Missing ACL Auth Method Type");
  const ACLAuthMethod* old = tx.tables().acl_auth_methods.get(index_key({method.Name}));
  method.CreateIndex = old ? old->CreateIndex : tx.index();
  method.ModifyIndex = tx.index();
  insert_row(tx, std::move(method));
  tx.set_index(kMethods);
  return {};
}

Result<> set(Transaction& tx, ACLBindingRule rule) {
  if (rule.ID.empty()) return failed("Missing ACL Binding Rule ID");
  if (rule.AuthMethod.empty()) return failed("Missing ACL Binding Rule Auth Method");
  const ACLBindingRule* old = tx.tables().acl_binding_rules.get(index_key({rule.ID}));
  rule.CreateIndex = old ? old->CreateIndex : tx.index();
  rule.ModifyIndex = tx.index();
  if (!tx.tables().acl_auth_methods.contains(index_key({rule.AuthMethod}))) {
    return failed("failed inserting acl binding rule: auth method not found");
  }
  insert_rows(tx, std::move(rule));
  tx.set_index(kRules);
  return {};
}

}  // namespace

Result<> apply_acl_auth_methods(Transaction& tx, ACLAuthMethodBatchSetRequest request) {
  return tx.atomically([&]() -> Result<> {
    for (auto& method : request.AuthMethods) {
      if (!method) continue;
      if (Result<> done = set(tx, std::move(*method)); !done) return done;
    }
    return {};
  });
}

void apply_acl_auth_method_deletes(Transaction& tx, const ACLAuthMethodBatchDeleteRequest& request) {
  for (const std::string& name : request.AuthMethodNames) {
    const std::string key = index_key({name});
    const auto method = tx.tables().acl_auth_methods.share(key);
    if (!method) continue;
    std::vector<base::RowPtr<ACLBindingRule>> rules;
    for (const auto [at, row] : tx.tables().acl_binding_rules_by_method.prefix(key)) {
      rules.push_back(base::RowPtr<ACLBindingRule>::share(row));
    }
    for (const auto& rule : rules) erase_rows(tx, rule.get());
    if (!rules.empty()) tx.set_index(kRules);
    erase_tokens_of_method(tx, *method);
    tx.tables().acl_auth_methods.erase(key);
    tx.set_index(kMethods);
  }
}

void restore_acl_auth_method(Transaction& tx, ACLAuthMethod method) {
  tx.raise_index(kMethods, method.ModifyIndex);
  insert_row(tx, std::move(method));
}

Result<> apply_acl_binding_rules(Transaction& tx, ACLBindingRuleBatchSetRequest request) {
  return tx.atomically([&]() -> Result<> {
    for (auto& rule : request.BindingRules) {
      if (!rule) continue;
      if (Result<> done = set(tx, std::move(*rule)); !done) return done;
    }
    return {};
  });
}

void apply_acl_binding_rule_deletes(Transaction& tx, const ACLBindingRuleBatchDeleteRequest& request) {
  for (const std::string& id : request.BindingRuleIDs) {
    const ACLBindingRule* rule = tx.tables().acl_binding_rules.get(index_key({id}));
    if (!rule) continue;
    erase_rows(tx, rule);
    tx.set_index(kRules);
  }
}

void restore_acl_binding_rule(Transaction& tx, ACLBindingRule rule) {
  tx.raise_index(kRules, rule.ModifyIndex);
  insert_rows(tx, std::move(rule));
}

}  // namespace proconsul::catalog
