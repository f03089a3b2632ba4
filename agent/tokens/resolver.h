// From the secret of a request to what it may do, by the state of this server.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/tokens/compile.h"
#include "agent/tokens/store.h"
#include "agent/tokens/who.h"
#include "base/clock.h"
#include "base/result.h"
#include "catalog/store/tables.h"
#include "catalog/types/acl.h"

namespace proconsul::agent::tokens {

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
  /// The recovery token is the store's, which outlives it: it writes this agent and reads nodes.
  Resolver(Settings settings, const Store& store, const base::Clock& clock);

  bool enabled() const { return settings_.enabled; }
  /// An empty secret is the anonymous token's. Errc::permission_denied, "ACL not found": there is no such token (any
  /// more).
  base::Result<Who> resolve(const catalog::Tables& tables, std::string_view secret);

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
  };
  struct Shard {
    std::mutex mutex{};
    std::unordered_map<std::string, Known> known{};  // by secret
  };
  static constexpr std::size_t kShards = 16;
  static constexpr std::size_t kMostPerShard = 4096;

  std::optional<Who> local(const catalog::Tables& tables, std::string_view secret) const;

  const Settings settings_;
  const base::Clock& clock_;
  const RecoveryToken recovery_;
  std::array<Shard, kShards> shards_{};
  Compiler compiler_;
};

}  // namespace proconsul::agent::tokens
