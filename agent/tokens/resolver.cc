#include "agent/tokens/resolver.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <set>
#include <utility>

#include "acl/rules.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/quote.h"
#include "catalog/acl/builtin.h"
#include "catalog/acl/policies.h"
#include "catalog/acl/tokens.h"
#include "catalog/registry/settings.h"
#include "catalog/store/key.h"

namespace proconsul::agent::tokens {

using base::Errc;
using base::Error;
using base::Result;
using catalog::ACLPolicy;
using catalog::ACLRole;
using catalog::ACLToken;
using catalog::Tables;

namespace {

const base::log::Logger kLog("agent.server.acl");

constexpr std::string_view kAnonymousSecret = "anonymous";

struct Metrics {
  base::metrics::Sample resolve = base::metrics::sample("acl.ResolveToken");
};
const Metrics& metrics() {
  static const Metrics kMetrics;
  return kMetrics;
}

/// Nothing of the time it takes says how much of a secret was right.
bool equal_secrets(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(i < b.size() ? b[i] : 0);
  }
  return difference == 0;
}

/// Gathers the policies of a token and of its roles, each once.
class Gatherer {
 public:
  explicit Gatherer(const Tables& tables) : tables_(tables) {}

  template <class Bearer>
  void add(const Bearer& bearer) {
    for (const auto& link : bearer.Policies) {
      if (!ids_.insert(catalog::lower_case(link.ID)).second) continue;
      if (const ACLPolicy* policy = catalog::policy_by_id(tables_, link.ID)) policies_.push_back(*policy);
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

  const Tables& tables_;
  std::set<std::string> ids_{};
  std::vector<ACLPolicy> policies_{};
};

/// What a thread looked at last: most requests meet the tables that the one before has met.
struct Looked {
  catalog::Table<ACLToken>::Part tokens{};
  catalog::Table<ACLPolicy>::Part policies{};
  catalog::Table<ACLRole>::Part roles{};
  std::array<std::uint64_t, 3> indexes{};
  bool is_valid = false;
};

/// The indexes of tokens, policies and roles. Tables without rows are all alike: what is found out of them is, too.
const std::array<std::uint64_t, 3>& indexes_of(const Tables& tables) {
  thread_local Looked last;
  if (last.is_valid && tables.acl_tokens.has_same(last.tokens, {}) && tables.acl_policies.has_same(last.policies, {}) &&
      tables.acl_roles.has_same(last.roles, {})) {
    return last.indexes;
  }
  last = {.tokens = tables.acl_tokens.part({}),
          .policies = tables.acl_policies.part({}),
          .roles = tables.acl_roles.part({}),
          .indexes = {tables.index_of("acl-tokens"), tables.index_of("acl-policies"), tables.index_of("acl-roles")},
          .is_valid = true};
  return last.indexes;
}

}  // namespace

std::vector<ACLPolicy> policies_of(const Tables& tables, const ACLToken& token) {
  Gatherer gatherer(tables);
  gatherer.add(token);
  for (const auto& link : token.Roles) {
    if (const ACLRole* role = catalog::role_by_id(tables, link.ID)) gatherer.add(*role);
  }
  return gatherer.take();
}

std::vector<ACLPolicy> in_datacenter(std::vector<ACLPolicy> policies, std::string_view datacenter) {
  std::erase_if(policies, [&](const ACLPolicy& policy) {
    return !policy.Datacenters.empty() && std::ranges::find(policy.Datacenters, datacenter) == policy.Datacenters.end();
  });
  return policies;
}

Resolver::Resolver(Settings settings, const Store& store, const base::Clock& clock)
    : settings_(std::move(settings)), store_(store), clock_(clock) {
  acl::Rules rules;
  rules.named[static_cast<std::size_t>(acl::Resource::agent)].push_back(
      {.name = settings_.node_name, .access = acl::Access::write});
  rules.named[static_cast<std::size_t>(acl::Resource::node)].push_back({.prefix = true, .access = acl::Access::read});
  recovery_ = std::make_shared<const Permissions>(acl::Authorizer(rules, acl::Fallback::deny));
}

std::optional<Who> Resolver::local(const Tables& tables, std::string_view secret) const {
  const std::string recovery = store_.get(Kind::agent_recovery);
  if (!recovery.empty() && equal_secrets(secret, recovery)) {
    return Who{.accessor = "agent-recovery:" + settings_.node_name, .permissions = recovery_};
  }
  const std::string_view management = catalog::system_metadata(tables, catalog::kServerManagementToken);
  if (!management.empty() && equal_secrets(secret, management)) {
    return Who{.accessor = std::string(catalog::kServerManagementToken), .permissions = anybody().permissions};
  }
  return std::nullopt;
}

Result<Who> Resolver::resolve(const Tables& tables, std::string_view secret) {
  if (!settings_.enabled) return anybody();
  if (secret == "allow" || secret == "deny" || secret == "manage") {
    return Error{Errc::internal, "Cannot resolve root ACL"};
  }
  if (secret.empty()) secret = kAnonymousSecret;
  const auto& [tokens, policies_index, roles] = indexes_of(tables);
  const Versions versions{.tokens = tokens, .policies = policies_index, .roles = roles};
  thread_local std::string key;  // keeps its memory
  key = secret;
  Shard& shard = shards_[std::hash<std::string>()(key) % kShards];
  {
    const std::scoped_lock lock(shard.mutex);
    const auto found = shard.known.find(key);
    if (found != shard.known.end() && found->second.versions == versions &&
        (!found->second.expires || clock_.wall() < *found->second.expires)) {
      return found->second.who;
    }
  }
  if (std::optional<Who> who = local(tables, secret)) return *who;

  const auto begun = std::chrono::steady_clock::now();
  const ACLToken* token = catalog::token_by_secret(tables, secret);
  std::optional<base::Time> expires;
  if (token && catalog::has_end(*token)) expires = *token->ExpirationTime;
  if (expires && *expires < clock_.wall()) token = nullptr;
  ACLToken anonymous;
  if (!token && secret == kAnonymousSecret) {  // the leader has not made it yet
    anonymous.AccessorID = catalog::kAnonymousAccessor;
    token = &anonymous;
  }
  if (!token) {
    constexpr std::string_view kNotFound = "ACL not found";
    if (catalog::acl_bootstrap_index(tables) != 0) return Error{Errc::permission_denied, std::string(kNotFound)};
    return Error{Errc::permission_denied,
                 "ACL system must be bootstrapped before making any requests that require authorization: " +
                     std::string(kNotFound)};
  }
  const std::vector<ACLPolicy> policies = in_datacenter(policies_of(tables, *token), settings_.datacenter);
  Result<std::shared_ptr<const Permissions>> permissions = compile(policies);
  if (!permissions) return permissions.error();
  metrics().resolve.add_since(begun);
  Who who{.accessor = token->AccessorID, .permissions = std::move(*permissions)};
  const std::scoped_lock lock(shard.mutex);
  if (shard.known.size() >= kMostPerShard) shard.known.clear();
  shard.known.insert_or_assign(key, Known{.versions = versions, .expires = expires, .who = who});
  return who;
}

Result<std::shared_ptr<const Permissions>> Resolver::compile(const std::vector<ACLPolicy>& policies) {
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
  std::vector<acl::Rules> parsed;
  std::vector<std::string> names;
  for (const ACLPolicy& policy : policies) {
    Result<acl::Rules> rules = acl::parse_rules(policy.Rules, acl::Duplicates::last_wins);
    if (!rules) {
      return Error{Errc::internal, "failed to parse the ACL policies: failed to parse " + base::quote(policy.Name) +
                                       ": " + rules.error().detail};
    }
    parsed.push_back(std::move(*rules));
    names.push_back(policy.Name);
  }
  std::vector<const acl::Rules*> all;
  for (const acl::Rules& rules : parsed) all.push_back(&rules);
  auto permissions = std::make_shared<const Permissions>(
      acl::Authorizer(acl::merge(all), settings_.default_allow ? acl::Fallback::allow : acl::Fallback::deny),
      std::move(names));
  const std::scoped_lock lock(mutex_);
  if (compiled_.size() >= sweep_at_) {
    std::erase_if(compiled_, [](const auto& entry) { return entry.second.expired(); });
    sweep_at_ = std::max(kSweepAt, 2 * compiled_.size());
  }
  compiled_.insert_or_assign(std::move(key), permissions);
  return permissions;
}

}  // namespace proconsul::agent::tokens
