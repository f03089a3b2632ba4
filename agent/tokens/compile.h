// From a token to its policies, and from policies to what they allow: the same wherever tokens, policies and roles are.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/tokens/store.h"
#include "agent/tokens/who.h"
#include "base/result.h"
#include "catalog/types/acl.h"

namespace proconsul::agent::tokens {

/// How a token's links are followed; null: there is none of that ID.
struct Linked {
  std::function<const catalog::ACLPolicy*(const std::string& id)> policy{};
  std::function<const catalog::ACLRole*(const std::string& id)> role{};
};
/// The policies that a token has by itself, by its roles and by identities, each once. IDs that lead nowhere are left
/// out.
std::vector<catalog::ACLPolicy> policies_of(const Linked& linked, const catalog::ACLToken& token);
/// Without those that hold in other datacenters only.
std::vector<catalog::ACLPolicy> in_datacenter(std::vector<catalog::ACLPolicy> policies, std::string_view datacenter);

/// Safe from any thread. All tokens with the same policies share what those amount to, for as long as one has it.
class Compiler {
 public:
  /// `default_allow`: acl.default_policy.
  explicit Compiler(bool default_allow) : default_allow_(default_allow) {}
  /// Errors: rules that cannot be parsed.
  base::Result<std::shared_ptr<const Permissions>> compile(std::vector<catalog::ACLPolicy> policies);

 private:
  static constexpr std::size_t kSweepAt = 1024;

  const bool default_allow_;
  std::mutex mutex_{};
  std::unordered_map<std::string, std::weak_ptr<const Permissions>> compiled_{};  // by policies and their versions
  std::size_t sweep_at_ = kSweepAt;  // when those that nobody has any more are dropped
};

/// The agent's own acl.tokens.agent_recovery: it writes this agent and reads nodes.
class RecoveryToken {
 public:
  /// The store outlives it.
  RecoveryToken(std::string node_name, const Store& store);
  /// Nothing: the secret is another one.
  std::optional<Who> resolve(std::string_view secret) const;

 private:
  const std::string node_name_;
  const Store& store_;
  const std::shared_ptr<const Permissions> permissions_;
};

/// The secret of requests that bring none.
inline constexpr std::string_view kAnonymousSecret = "anonymous";
/// Names that were secrets once, of what now has rules: "allow", "deny", "manage".
bool is_root(std::string_view secret);
base::Error root_denied();
/// "ACL not found".
base::Error not_found();
/// Nothing of the time it takes says how much of a secret was right.
bool equal_secrets(std::string_view a, std::string_view b);

}  // namespace proconsul::agent::tokens
