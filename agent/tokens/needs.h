// What an endpoint or method needs as a whole, as its row says: the rest is decided by what it is asked for.
#pragma once

#include "acl/rules.h"

namespace proconsul::agent::tokens {

struct Needs {
  acl::Resource resource{};
  acl::Access access{};  // none: nothing
  // Of a named resource the name is this agent's own node.
};

inline constexpr Needs kNoNeeds{};
inline constexpr Needs kAgentRead{acl::Resource::agent, acl::Access::read};
inline constexpr Needs kAgentWrite{acl::Resource::agent, acl::Access::write};
inline constexpr Needs kOwnNodeWrite{acl::Resource::node, acl::Access::write};
inline constexpr Needs kOperatorRead{acl::Resource::operator_, acl::Access::read};
inline constexpr Needs kOperatorWrite{acl::Resource::operator_, acl::Access::write};
inline constexpr Needs kKeyringRead{acl::Resource::keyring, acl::Access::read};
inline constexpr Needs kKeyringWrite{acl::Resource::keyring, acl::Access::write};
inline constexpr Needs kAclWrite{acl::Resource::acl, acl::Access::write};

}  // namespace proconsul::agent::tokens
