// What the configuration says of ACLs, for the servers' part.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>

#include "agent/tokens/store.h"
#include "base/time.h"

namespace proconsul::agent::server {

class AclReplication;

struct AclSettings {
  bool enabled = false;
  std::string datacenter = "dc1";
  std::string primary_datacenter = "dc1";     // whose policies, roles and global tokens hold everywhere
  bool token_replication = false;             // acl.enable_token_replication
  const tokens::Store* own_tokens = nullptr;  // of this agent, the replication token among them; outlives this
  std::string default_policy = "allow";
  std::string down_policy = "extend-cache";
  bool key_list_policy = false;                         // acl.enable_key_list_policy
  const AclReplication* replication = nullptr;          // of a secondary datacenter
  std::function<std::uint64_t()> returns_of_primary{};  // how often it was reached again; any thread. None: not known
  std::string node_name{};
  std::string data_directory{};      // where acl-bootstrap-reset may be; empty: nowhere
  std::string initial_management{};  // acl.tokens.initial_management
  // Of a token with an end.
  base::Duration shortest_life = base::seconds(60);
  base::Duration longest_life{std::numeric_limits<std::int64_t>::max()};

  bool in_primary() const { return datacenter == primary_datacenter; }
  /// What other servers are asked by for ACLs; empty: they are not to be copied (yet).
  std::string replication_token() const {
    return own_tokens ? own_tokens->get(tokens::Kind::replication) : std::string();
  }
  /// Becomes another one when what failed in the primary may succeed: by another token, or as it is reached again.
  std::string replication_chance() const {
    return replication_token() + (returns_of_primary ? "/" + std::to_string(returns_of_primary()) : "");
  }
  /// Whether tokens are kept in this datacenter: in the primary, and where global ones are copied from it.
  bool keeps_tokens() const { return in_primary() || (token_replication && !replication_token().empty()); }
};

}  // namespace proconsul::agent::server
