// From the secret of a request to what it may do, by the state of this server; where tokens are not in that state, by
// asking for them.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/tokens/compile.h"
#include "agent/tokens/store.h"
#include "agent/tokens/uses.h"
#include "agent/tokens/who.h"
#include "base/clock.h"
#include "base/result.h"
#include "catalog/store/tables.h"
#include "catalog/types/acl.h"

namespace proconsul::agent::tokens {

class RemoteResolver;

/// The same of a state (compile.h).
std::vector<catalog::ACLPolicy> policies_of(const catalog::Tables& tables, const catalog::ACLToken& token);

/// Safe from any thread. What was found out is kept until tokens, policies or roles change.
class Resolver {
 public:
  struct Settings {
    bool enabled = false;  // acl.enabled
    std::string datacenter = "dc1";
    std::string node_name{};
    bool default_allow = true;  // acl.default_policy
  };
  /// The recovery token is the store's, which outlives it: it writes this agent and reads nodes. With `primary`, which
  /// outlives it too, tokens are not those of the state.
  Resolver(Settings settings, const Store& store, const base::Clock& clock, RemoteResolver* primary = nullptr);
  ~Resolver();

  bool enabled() const { return settings_.enabled; }
  /// An empty secret is the anonymous token's. Errc::permission_denied, "ACL not found": there is no such token (any
  /// more). An error that is_pending() has to be fetched first: resolving again tells more then.
  base::Result<Who> resolve(const catalog::Tables& tables, std::string_view secret);
  /// The token itself, if resolve() knows it. Good as long as the tables are.
  std::shared_ptr<const catalog::ACLToken> token(const catalog::Tables& tables, std::string_view secret);

  static bool is_pending(const base::Error& error);
  /// Finds out what an error of resolve() waits for; `done` comes from any thread, maybe at once. What was found out is
  /// known for a second at least.
  void fetch(const base::Error& pending, std::move_only_function<void()> done);
  /// The error that resolve() would give, if the secret has to be fetched first.
  std::optional<base::Error> pending(const catalog::Tables& tables, std::string_view secret);
  /// Whether tokens are asked for.
  bool fetches() const { return primary_ != nullptr; }

  Uses& uses() { return uses_; }

 private:
  /// The state of the tables that an entry was made of.
  struct Versions {
    std::uint64_t tokens{}, policies{}, roles{};
    bool operator==(const Versions&) const = default;
  };
  struct Known {
    Versions versions{};
    std::optional<base::Time> expires{};
    Who who{};
    Uses::Mark used{};
  };
  struct Shard {
    std::mutex mutex{};
    std::unordered_map<std::string, Known> known{};  // by secret
  };
  static constexpr std::size_t kShards = 16;
  static constexpr std::size_t kMostPerShard = 4096;

  std::optional<Who> local(const catalog::Tables& tables, std::string_view secret) const;

  // Of tokens that are asked for.
  struct Fetched {
    base::Result<Who> who;
    base::MonotonicTime at{};
  };
  struct Ticket {
    std::uint64_t number{};
    std::string secret{};
  };
  base::Result<Who> fetched(const catalog::Tables& tables, std::string_view secret);
  void follow_links(const catalog::Tables& tables);
  base::Error ticket_for(std::string_view secret);

  const Settings settings_;
  const base::Clock& clock_;
  const RecoveryToken recovery_;
  RemoteResolver* const primary_;
  std::array<Shard, kShards> shards_{};
  Compiler compiler_;
  Uses uses_;
  std::atomic<std::uint64_t> policies_index_{0}, roles_index_{0};  // up to which links were followed
  std::mutex fetched_mutex_{};                                     // guards what follows
  std::unordered_map<std::string, Fetched> fetched_{};             // by secret
  std::vector<Ticket> tickets_{};                                  // the newest; by number, modulo their count
  std::uint64_t last_ticket_ = 0;
};

}  // namespace proconsul::agent::tokens
