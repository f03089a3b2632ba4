#include "agent/tokens/resolver.h"

#include <array>
#include <chrono>
#include <functional>
#include <utility>

#include "base/metrics.h"
#include "catalog/acl/builtin.h"
#include "catalog/acl/policies.h"
#include "catalog/acl/tokens.h"
#include "catalog/registry/settings.h"

namespace proconsul::agent::tokens {

using base::Error;
using base::Result;
using catalog::ACLPolicy;
using catalog::ACLRole;
using catalog::ACLToken;
using catalog::Tables;

namespace {

struct Metrics {
  base::metrics::Sample resolve = base::metrics::sample("acl.ResolveToken");
};
const Metrics& metrics() {
  static const Metrics kMetrics;
  return kMetrics;
}

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
  return policies_of(Linked{.policy = [&](const std::string& id) { return catalog::policy_by_id(tables, id); },
                            .role = [&](const std::string& id) { return catalog::role_by_id(tables, id); }},
                     token);
}

Resolver::Resolver(Settings settings, const Store& store, const base::Clock& clock)
    : settings_(std::move(settings)),
      clock_(clock),
      recovery_(settings_.node_name, store),
      compiler_(settings_.default_allow) {}

std::optional<Who> Resolver::local(const Tables& tables, std::string_view secret) const {
  if (std::optional<Who> recovery = recovery_.resolve(secret)) return recovery;
  const std::string_view management = catalog::system_metadata(tables, catalog::kServerManagementToken);
  if (!management.empty() && equal_secrets(secret, management)) {
    return Who{.accessor = std::string(catalog::kServerManagementToken), .permissions = anybody().permissions};
  }
  return std::nullopt;
}

Result<Who> Resolver::resolve(const Tables& tables, std::string_view secret) {
  if (!settings_.enabled) return anybody();
  if (is_root(secret)) return root_denied();
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
    Error unknown = not_found();
    if (catalog::acl_bootstrap_index(tables) == 0) {
      unknown.detail.insert(0,
                            "ACL system must be bootstrapped before making any requests that require authorization: ");
    }
    return unknown;
  }
  Result<std::shared_ptr<const Permissions>> permissions =
      compiler_.compile(in_datacenter(policies_of(tables, *token), settings_.datacenter));
  if (!permissions) return permissions.error();
  metrics().resolve.add_since(begun);
  Who who{.accessor = token->AccessorID, .permissions = std::move(*permissions)};
  const std::scoped_lock lock(shard.mutex);
  if (shard.known.size() >= kMostPerShard) shard.known.clear();
  shard.known.insert_or_assign(key, Known{.versions = versions, .expires = expires, .who = who});
  return who;
}

}  // namespace proconsul::agent::tokens
