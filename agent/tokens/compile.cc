#include "agent/tokens/compile.h"

#include <algorithm>
#include <set>
#include <utility>

#include "acl/parsed_rules.h"
#include "acl/rules.h"
#include "base/quote.h"
#include "catalog/acl/builtin.h"
#include "catalog/store/key.h"

namespace proconsul::agent::tokens {

using base::Errc;
using base::Error;
using base::Result;
using catalog::ACLPolicy;
using catalog::ACLRole;

namespace {

/// Gathers the policies of a token and of its roles, each once.
class Gatherer {
 public:
  explicit Gatherer(const Linked& linked) : linked_(linked) {}

  template <class Bearer>
  void add(const Bearer& bearer) {
    for (const auto& link : bearer.Policies) {
      if (!ids_.insert(catalog::lower_case(link.ID)).second) continue;
      if (const ACLPolicy* policy = linked_.policy(link.ID)) policies_.push_back(*policy);
    }
    for (const auto& identity : bearer.ServiceIdentities) {
      if (identity) add_synthetic(catalog::synthetic_policy(*identity));
    }
    for (const auto& identity : bearer.NodeIdentities) {
      if (identity) add_synthetic(catalog::synthetic_policy(*identity));
    }
    for (const auto& templated : bearer.TemplatedPolicies) {
      if (!templated) continue;
      if (Result<ACLPolicy> policy = catalog::synthetic_policy(*templated)) add_synthetic(std::move(*policy));
    }
  }
  std::vector<ACLPolicy> take() { return std::move(policies_); }

 private:
  /// The same identity may come with different datacenters: it holds in all of them.
  void add_synthetic(ACLPolicy policy) {
    const auto same = std::ranges::find(policies_, policy.ID, &ACLPolicy::ID);
    if (same == policies_.end()) return policies_.push_back(std::move(policy));
    if (same->Datacenters.empty() || policy.Datacenters.empty()) return same->Datacenters.clear();
    same->Datacenters.insert(same->Datacenters.end(), policy.Datacenters.begin(), policy.Datacenters.end());
  }

  const Linked& linked_;
  std::set<std::string> ids_{};
  std::vector<ACLPolicy> policies_{};
};

/// Of all compilers: what a text means depends on nothing else.
acl::ParsedRules& parsed_rules() {
  static acl::ParsedRules rules(std::size_t{8} << 20);
  return rules;
}

std::shared_ptr<const Permissions> recovery_permissions(const std::string& node_name) {
  acl::Rules rules;
  rules.named[static_cast<std::size_t>(acl::Resource::agent)].push_back(
      {.name = node_name, .access = acl::Access::write});
  rules.named[static_cast<std::size_t>(acl::Resource::node)].push_back({.prefix = true, .access = acl::Access::read});
  return std::make_shared<const Permissions>(acl::Authorizer(rules, acl::Fallback::deny));
}

}  // namespace

std::vector<ACLPolicy> policies_of(const Linked& linked, const catalog::ACLToken& token) {
  Gatherer gatherer(linked);
  gatherer.add(token);
  for (const auto& link : token.Roles) {
    if (const ACLRole* role = linked.role(link.ID)) gatherer.add(*role);
  }
  return gatherer.take();
}

std::vector<ACLPolicy> in_datacenter(std::vector<ACLPolicy> policies, std::string_view datacenter) {
  std::erase_if(policies, [&](const ACLPolicy& policy) {
    return !policy.Datacenters.empty() && std::ranges::find(policy.Datacenters, datacenter) == policy.Datacenters.end();
  });
  return policies;
}

Result<std::shared_ptr<const Permissions>> Compiler::compile(std::vector<ACLPolicy> policies) {
  std::ranges::sort(policies, {}, &ACLPolicy::ID);  // in whatever order they were linked
  std::string key;
  for (const ACLPolicy& policy : policies) {
    key.append(policy.ID).append(1, '\0');
    key.append(reinterpret_cast<const char*>(&policy.ModifyIndex), sizeof policy.ModifyIndex);
  }
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = compiled_.find(key); found != compiled_.end()) {
      if (auto permissions = found->second.lock()) return permissions;
    }
  }
  std::vector<std::shared_ptr<const acl::Rules>> parsed;
  std::vector<const acl::Rules*> all;
  std::vector<std::string> names;
  for (ACLPolicy& policy : policies) {
    Result<std::shared_ptr<const acl::Rules>> rules = parsed_rules().of(policy.Rules);
    if (!rules) {
      return Error{Errc::internal, "failed to parse the ACL policies: failed to parse " + base::quote(policy.Name) +
                                       ": " + rules.error().detail};
    }
    all.push_back(parsed.emplace_back(std::move(*rules)).get());
    names.push_back(std::move(policy.Name));
  }
  auto permissions = std::make_shared<const Permissions>(
      acl::Authorizer(acl::merge(all), default_allow_ ? acl::Fallback::allow : acl::Fallback::deny), std::move(names));
  const std::scoped_lock lock(mutex_);
  if (compiled_.size() >= sweep_at_) {
    std::erase_if(compiled_, [](const auto& entry) { return entry.second.expired(); });
    sweep_at_ = std::max(kSweepAt, 2 * compiled_.size());
  }
  compiled_.insert_or_assign(std::move(key), permissions);
  return permissions;
}

RecoveryToken::RecoveryToken(std::string node_name, const Store& store)
    : node_name_(std::move(node_name)), store_(store), permissions_(recovery_permissions(node_name_)) {}

std::optional<Who> RecoveryToken::resolve(std::string_view secret) const {
  const std::string recovery = store_.get(Kind::agent_recovery);
  if (recovery.empty() || !equal_secrets(secret, recovery)) return std::nullopt;
  return Who{.accessor = "agent-recovery:" + node_name_, .permissions = permissions_};
}

bool is_root(std::string_view secret) {
  return secret == "allow" || secret == "deny" || secret == "manage";
}

Error root_denied() {
  return {Errc::internal, "Cannot resolve root ACL"};
}

Error not_found() {
  return {Errc::permission_denied, "ACL not found"};
}

bool equal_secrets(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(i < b.size() ? b[i] : 0);
  }
  return difference == 0;
}

}  // namespace proconsul::agent::tokens
