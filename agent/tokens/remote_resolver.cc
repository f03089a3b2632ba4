#include "agent/tokens/remote_resolver.h"

#include <algorithm>
#include <chrono>

#include "base/log.h"
#include "base/metrics.h"
#include "base/quote.h"
#include "catalog/acl/tokens.h"

namespace proconsul::agent::tokens {

using base::Errc;
using base::Error;
using base::MonotonicTime;
using base::Result;
using catalog::ACLPolicy;
using catalog::ACLRole;
using catalog::ACLToken;

namespace {

const base::log::Logger kLog("agent.client.acl");

/// How often a token is looked at anew because its policies or roles say that it has changed meanwhile.
constexpr int kMostAttempts = 5;

struct Metrics {
  base::metrics::Sample resolve = base::metrics::sample("acl.ResolveToken");
  base::metrics::Counter hit = base::metrics::counter("acl.token.cache_hit", {}, "Tokens that were remembered.");
  base::metrics::Counter miss = base::metrics::counter("acl.token.cache_miss", {}, "Tokens that had to be asked for.");
};
const Metrics& metrics() {
  static const Metrics kMetrics;
  return kMetrics;
}

bool says(const Error& error, std::string_view text) {
  return error.detail.find(text) != std::string::npos;
}

acl::Fallback fallback_of(const RemoteResolver::Settings& settings) {
  if (settings.down == Down::allow) return acl::Fallback::allow;
  if (settings.down == Down::deny) return acl::Fallback::deny;
  return settings.default_allow ? acl::Fallback::allow : acl::Fallback::deny;
}

Who down_of(const RemoteResolver::Settings& settings) {
  return {.accessor = "primary-dc-down",
          .permissions = std::make_shared<const Permissions>(acl::Authorizer(acl::Rules{}, fallback_of(settings)))};
}

std::string secret_of(std::string_view secret) {
  return std::string(secret.empty() ? kAnonymousSecret : secret);
}

template <class T>
std::vector<std::string> ids_of(const base::List<T>& links) {
  std::vector<std::string> ids;
  for (const T& link : links) ids.push_back(link.ID);
  return ids;
}

}  // namespace

/// What is found out of one secret. One thread at a time works on it.
struct RemoteResolver::Resolution {
  std::string secret{};
  std::vector<Done> waiting{};  // by the resolver's lock
  std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
  int attempts = 0;
  std::uint64_t links_forgotten = 0;  // when it began to look at them
  std::shared_ptr<const ACLToken> token{};
  Found<ACLRole> roles{};
  Found<ACLPolicy> policies{};
  MonotonicTime good_until{};  // all of it
};

RemoteResolver::RemoteResolver(Settings settings, const Store& store, Source& source, const base::Clock& clock)
    : settings_(std::move(settings)),
      source_(source),
      clock_(clock),
      recovery_(settings_.node_name, store),
      down_(down_of(settings_)),
      compiler_(settings_.default_allow) {}

RemoteResolver::~RemoteResolver() = default;

std::optional<Result<Who>> RemoteResolver::known(std::string_view secret) {
  if (is_off()) return anybody();
  if (is_root(secret)) return root_denied();
  const std::string key = secret_of(secret);
  if (std::optional<Who> recovery = recovery_.resolve(key)) return *recovery;
  bool old = false;
  std::optional<Result<Who>> who;
  {
    const std::scoped_lock lock(mutex_);
    who = remembered(key, old);
  }
  if (!who) return std::nullopt;
  metrics().hit.add();
  if (old) begin(key, nullptr);
  return who;
}

/// With the lock. `old`: it is to be asked for again, although it is good enough.
std::optional<Result<Who>> RemoteResolver::remembered(const std::string& secret, bool& old) {
  const KnownToken* const entry = tokens_.find(secret);
  if (entry == nullptr || !entry->who.permissions) return std::nullopt;
  old = clock_.now() >= entry->good_until;
  if (old && settings_.down != Down::async_cache) return std::nullopt;
  if (catalog::is_over(*entry->item, clock_.wall())) return not_found();
  return entry->who;
}

void RemoteResolver::resolve(std::string_view secret, Done done) {
  if (std::optional<Result<Who>> who = known(secret)) return done(std::move(*who));
  begin(secret_of(secret), std::move(done));
}

std::shared_ptr<const ACLToken> RemoteResolver::token(std::string_view secret) {
  const std::scoped_lock lock(mutex_);
  const KnownToken* const entry = tokens_.find(secret_of(secret));
  return entry == nullptr ? nullptr : entry->item;
}

void RemoteResolver::forget_links() {
  const std::scoped_lock lock(mutex_);
  ++links_forgotten_;
  const MonotonicTime now = clock_.now();
  // They stay for the time in which nobody can be asked.
  const auto make_old = [now](auto& fetched) {
    fetched.at = std::min(fetched.at, now - base::seconds(3600 * 24 * 365));
  };
  policies_.each(make_old);
  roles_.each(make_old);
  tokens_.each([now](KnownToken& token) { token.good_until = std::min(token.good_until, now); });
}

/// `done` is null where nobody waits.
void RemoteResolver::begin(const std::string& secret, Done done) {
  ResolutionPtr begun;
  {
    const std::scoped_lock lock(mutex_);
    ResolutionPtr& running = running_[secret];
    if (!running) {
      running = begun = std::make_shared<Resolution>();
      begun->secret = secret;
    }
    if (done) running->waiting.push_back(std::move(done));
  }
  if (begun) find_token(begun);
}

void RemoteResolver::find_token(const ResolutionPtr& of) {
  ++of->attempts;
  of->roles.clear();
  of->policies.clear();
  bool fresh = false;
  {
    const std::scoped_lock lock(mutex_);
    of->links_forgotten = links_forgotten_;
    if (const KnownToken* const entry = tokens_.find(of->secret)) {
      of->good_until = entry->at + settings_.token_ttl;
      fresh = clock_.now() < of->good_until;
      of->token = entry->item;
    }
  }
  (fresh ? metrics().hit : metrics().miss).add();
  if (fresh) return find_roles(of);
  source_.token(of->secret, [this, of](Result<Source::Token> found) { found_token(of, std::move(found)); });
}

void RemoteResolver::found_token(const ResolutionPtr& of, Result<Source::Token> found) {
  const MonotonicTime now = clock_.now();
  if (found && found->token.Local && found->datacenter != settings_.datacenter) {
    // Only who has it may say what it is.
    found = Error{Errc::permission_denied,
                  "Permission denied: This is a local token in datacenter " + base::quote(found->datacenter)};
    of->token.reset();
  }
  if (found) {
    of->token = std::make_shared<const ACLToken>(std::move(found->token));
  } else if (says(found.error(), "ACL not found")) {
    return refused(of, found.error());
  } else if (!of->token || !extends()) {
    {
      const std::scoped_lock lock(mutex_);
      tokens_.erase(of->secret);
    }
    return give_up(of, found.error());
  }
  of->good_until = now + settings_.token_ttl;
  {
    const std::scoped_lock lock(mutex_);
    // Until it is known what it amounts to now, who does not want to wait goes on with what it did.
    KnownToken known;
    if (const KnownToken* const before = tokens_.find(of->secret)) known = *before;
    known.item = of->token;
    known.at = now;
    tokens_.put(of->secret, std::move(known));
  }
  find_roles(of);
}

void RemoteResolver::find_roles(const ResolutionPtr& of) {
  if (catalog::is_over(*of->token, clock_.wall())) return finish(of, not_found());
  std::vector<std::string> ids = take_fresh(roles_, ids_of(of->token->Roles), settings_.role_ttl, of, of->roles);
  if (ids.empty()) return find_policies(of);
  source_.roles(of->secret, ids, [this, of, ids](Result<std::vector<ACLRole>> found) {
    if (take_found(roles_, ids, settings_.role_ttl, of, std::move(found), of->roles)) find_policies(of);
  });
}

void RemoteResolver::find_policies(const ResolutionPtr& of) {
  std::vector<std::string> all = ids_of(of->token->Policies);
  for (const auto& link : of->token->Roles) {
    const auto& role = of->roles[link.ID];
    if (!role) continue;
    for (std::string& id : ids_of(role->Policies)) all.push_back(std::move(id));
  }
  std::ranges::sort(all);
  all.erase(std::ranges::unique(all).begin(), all.end());
  std::vector<std::string> ids = take_fresh(policies_, all, settings_.policy_ttl, of, of->policies);
  if (ids.empty()) return settle(of);
  source_.policies(of->secret, ids, [this, of, ids](Result<std::vector<ACLPolicy>> found) {
    if (take_found(policies_, ids, settings_.policy_ttl, of, std::move(found), of->policies)) settle(of);
  });
}

/// Takes what is remembered and not too old; what is left has to be asked for.
template <class T>
std::vector<std::string> RemoteResolver::take_fresh(Shelf<Fetched<T>>& shelf, const std::vector<std::string>& ids,
                                                    base::Duration ttl, const ResolutionPtr& of, Found<T>& into) {
  std::vector<std::string> missing;
  const std::scoped_lock lock(mutex_);
  for (const std::string& id : ids) {
    const Fetched<T>* const entry = shelf.find(id);
    if (entry == nullptr || clock_.now() >= entry->at + ttl) {
      missing.push_back(id);
      continue;
    }
    into[id] = entry->item;
    of->good_until = std::min(of->good_until, entry->at + ttl);
  }
  return missing;
}

/// Takes what was asked for, or what is remembered of it where that must do. False: the resolution goes another way.
template <class T>
bool RemoteResolver::take_found(Shelf<Fetched<T>>& shelf, const std::vector<std::string>& ids, base::Duration ttl,
                                const ResolutionPtr& of, Result<std::vector<T>> found, Found<T>& into) {
  if (!found && is_refusal(found.error())) {
    refused(of, found.error());
    return false;
  }
  const MonotonicTime now = clock_.now();
  bool complete = true;
  {
    const std::scoped_lock lock(mutex_);
    for (const std::string& id : ids) {
      std::shared_ptr<const T> item;
      if (found) {
        const auto at = std::ranges::find(*found, id, &T::ID);
        if (at != found->end()) item = std::make_shared<const T>(*at);
      } else {
        const Fetched<T>* const entry = extends() ? shelf.find(id) : nullptr;
        complete = complete && entry != nullptr;
        if (entry == nullptr) continue;
        item = entry->item;
      }
      shelf.put(id, {.item = item, .at = now});
      into[id] = std::move(item);
      of->good_until = std::min(of->good_until, now + ttl);
    }
  }
  if (!complete) give_up(of, found.error());
  return complete;
}

void RemoteResolver::settle(const ResolutionPtr& of) {
  const auto found_in = [](const auto& map) {
    return [&map](const std::string& id) {
      const auto at = map.find(id);
      return at == map.end() ? nullptr : at->second.get();
    };
  };
  const std::vector<ACLPolicy> all =
      policies_of(Linked{.policy = found_in(of->policies), .role = found_in(of->roles)}, *of->token);
  std::vector<ACLPolicy> here = in_datacenter(all, settings_.datacenter);
  if (here.empty() && !all.empty()) {
    kLog.warn(
        "ACL token used lacks permissions in this datacenter: its associated ACL policies, service identities, and/or "
        "node identities are scoped to other datacenters",
        {{"accessor_id", of->token->AccessorID}, {"datacenter", settings_.datacenter}});
  }
  Result<std::shared_ptr<const Permissions>> permissions = compiler_.compile(std::move(here));
  if (!permissions) return finish(of, permissions.error());
  const Who who{.accessor = of->token->AccessorID, .permissions = std::move(*permissions)};
  {
    const std::scoped_lock lock(mutex_);
    if (KnownToken* const entry = tokens_.find(of->secret); entry != nullptr && entry->item == of->token) {
      entry->who = who;
      // What has changed meanwhile may not be in it.
      entry->good_until = of->links_forgotten == links_forgotten_ ? of->good_until : clock_.now();
    }
  }
  finish(of, who);
}

/// The secret is no token's any more, or the token has changed since it was asked for.
void RemoteResolver::refused(const ResolutionPtr& of, const Error& why) {
  {
    const std::scoped_lock lock(mutex_);
    tokens_.erase(of->secret);
  }
  of->token.reset();
  if (is_unknown(why)) return finish(of, not_found());
  if (of->attempts < kMostAttempts) return find_token(of);
  finish(of, Error{Errc::permission_denied, "Permission denied"});
}

/// Nobody could be asked.
void RemoteResolver::give_up(const ResolutionPtr& of, const Error& why) {
  if (settings_.off_time.nanoseconds > 0 && says(why, "ACL support disabled")) {
    kLog.debug("ACLs disabled on servers, will retry", {{"retry_interval", base::to_string(settings_.off_time)}});
    off_until_ = (clock_.now() + settings_.off_time).nanoseconds;
    return finish(of, anybody());
  }
  kLog.error("Error resolving token", {{"error", "Error communicating with the ACL Datacenter: " + why.detail}});
  finish(of, down_);
}

void RemoteResolver::finish(const ResolutionPtr& of, const Result<Who>& result) {
  metrics().resolve.add_since(of->begun);
  std::vector<Done> waiting;
  {
    const std::scoped_lock lock(mutex_);
    waiting = std::move(of->waiting);
    running_.erase(of->secret);
  }
  for (Done& done : waiting) done(result);
}

}  // namespace proconsul::agent::tokens
