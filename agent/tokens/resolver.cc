#include "agent/tokens/resolver.h"

#include <array>
#include <charconv>
#include <chrono>
#include <utility>

#include "agent/tokens/remote_resolver.h"
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

/// So begins an error whose token has to be asked for; its ticket follows. It is what a client reads if nobody asks.
constexpr std::string_view kPending = "Permission denied: the token is being asked for in the primary datacenter #";
constexpr std::size_t kTickets = 4096;
constexpr std::size_t kMostFetched = 4096;
constexpr base::Duration kMoment = base::seconds(1);

}  // namespace

std::vector<ACLPolicy> policies_of(const Tables& tables, const ACLToken& token) {
  return policies_of(Linked{.policy = [&](const std::string& id) { return catalog::policy_by_id(tables, id); },
                            .role = [&](const std::string& id) { return catalog::role_by_id(tables, id); }},
                     token);
}

Resolver::Resolver(Settings settings, const Store& store, const base::Clock& clock, RemoteResolver* primary)
    : settings_(std::move(settings)),
      clock_(clock),
      recovery_(settings_.node_name, store),
      primary_(primary),
      compiler_(settings_.default_allow),
      uses_(clock) {}

Resolver::~Resolver() = default;

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
  if (primary_ != nullptr) return fetched(tables, secret);
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
      uses_.note(found->second.used);
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
  Uses::Mark used = uses_.mark(who.accessor);
  uses_.note(used);
  const std::scoped_lock lock(shard.mutex);
  if (shard.known.size() >= kMostPerShard) shard.known.clear();
  shard.known.insert_or_assign(key,
                               Known{.versions = versions, .expires = expires, .who = who, .used = std::move(used)});
  return who;
}

std::shared_ptr<const ACLToken> Resolver::token(const Tables& tables, std::string_view secret) {
  if (secret.empty()) secret = kAnonymousSecret;
  if (primary_ != nullptr) return primary_->token(secret);
  const ACLToken* found = catalog::token_by_secret(tables, secret);
  return {std::shared_ptr<const ACLToken>(), found};
}

// Where tokens are asked for.

Result<Who> Resolver::fetched(const Tables& tables, std::string_view secret) {
  if (std::optional<Who> who = local(tables, secret)) return *who;
  follow_links(tables);
  std::optional<Result<Who>> who = primary_->known(secret);
  if (!who) {
    const std::scoped_lock lock(fetched_mutex_);
    const auto found = fetched_.find(std::string(secret));
    if (found != fetched_.end() && clock_.now() < found->second.at + kMoment) who = found->second.who;
  }
  if (!who) return ticket_for(secret);
  // Who is somebody only while nobody can be asked has used no token.
  if (*who && primary_->token(secret)) uses_.note(uses_.mark((*who)->accessor));
  return *who;
}

/// Policies and roles are in the state: a token amounts to something else as soon as they do.
void Resolver::follow_links(const Tables& tables) {
  const auto& [tokens, policies, roles] = indexes_of(tables);
  const auto rises = [](std::atomic<std::uint64_t>& known, std::uint64_t index) {
    std::uint64_t before = known.load(std::memory_order_relaxed);
    while (before < index) {
      if (known.compare_exchange_weak(before, index, std::memory_order_relaxed)) return true;
    }
    return false;
  };
  const bool policies_rise = rises(policies_index_, policies);
  if (rises(roles_index_, roles) || policies_rise) primary_->forget_links();
}

Error Resolver::ticket_for(std::string_view secret) {
  const std::scoped_lock lock(fetched_mutex_);
  tickets_.resize(kTickets);
  const std::uint64_t number = ++last_ticket_;
  tickets_[number % kTickets] = {.number = number, .secret = std::string(secret)};
  return {base::Errc::permission_denied, std::string(kPending) + std::to_string(number)};
}

bool Resolver::is_pending(const Error& error) {
  return error.code == base::Errc::permission_denied && error.detail.starts_with(kPending);
}

std::optional<Error> Resolver::pending(const Tables& tables, std::string_view secret) {
  if (primary_ == nullptr) return std::nullopt;
  const Result<Who> who = resolve(tables, secret);
  if (who || !is_pending(who.error())) return std::nullopt;
  return who.error();
}

void Resolver::fetch(const Error& pending, std::move_only_function<void()> done) {
  std::uint64_t number = 0;
  const std::string_view digits = std::string_view(pending.detail).substr(kPending.size());
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  std::string secret;
  {
    const std::scoped_lock lock(fetched_mutex_);
    if (tickets_.empty()) return done();
    Ticket& ticket = tickets_[number % kTickets];
    if (ticket.number != number) return done();  // too many came behind it
    secret = std::exchange(ticket.secret, {});
    ticket = {};
  }
  primary_->resolve(secret, [this, secret, done = std::move(done)](Result<Who> who) mutable {
    {
      const std::scoped_lock lock(fetched_mutex_);
      if (fetched_.size() >= kMostFetched) fetched_.clear();
      fetched_.insert_or_assign(std::move(secret), Fetched{.who = std::move(who), .at = clock_.now()});
    }
    done();
  });
}

}  // namespace proconsul::agent::tokens
