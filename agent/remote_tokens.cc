#include "agent/remote_tokens.h"

#include <string_view>

namespace proconsul::agent {
namespace {

tokens::Down down_policy(std::string_view name) {
  if (name == "allow") return tokens::Down::allow;
  if (name == "deny") return tokens::Down::deny;
  return name == "async-cache" ? tokens::Down::async_cache : tokens::Down::extend_cache;
}

}  // namespace

tokens::RemoteResolver::Settings remote_resolver_settings(const config::Config& config) {
  const config::AclResolver& acl = config.acl_resolver;
  return {.datacenter = config.datacenter,
          .node_name = config.node_name,
          .default_allow = acl.default_policy == "allow",
          .down = down_policy(acl.down_policy),
          .token_ttl = acl.token_ttl,
          .policy_ttl = acl.policy_ttl,
          .role_ttl = acl.role_ttl};
}

}  // namespace proconsul::agent
