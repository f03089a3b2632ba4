// What the configuration says of ACLs, for the servers' part.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "base/time.h"

namespace proconsul::agent::server {

struct AclSettings {
  bool enabled = false;
  std::string datacenter = "dc1";
  std::string primary_datacenter = "dc1";  // whose policies, roles and global tokens hold everywhere
  bool token_replication = false;          // acl.enable_token_replication
  std::string default_policy = "allow";
  std::string down_policy = "extend-cache";
  bool key_list_policy = false;  // acl.enable_key_list_policy
  std::string node_name{};
  std::string data_directory{};      // where acl-bootstrap-reset may be; empty: nowhere
  std::string initial_management{};  // acl.tokens.initial_management
  // Of a token with an end.
  base::Duration shortest_life = base::seconds(60);
  base::Duration longest_life{std::numeric_limits<std::int64_t>::max()};

  bool in_primary() const { return datacenter == primary_datacenter; }
  /// Whether tokens are kept in this datacenter: in the primary, and where global ones are copied from it.
  bool keeps_tokens() const { return in_primary() || token_replication; }
};

}  // namespace proconsul::agent::server
