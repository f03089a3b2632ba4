// Who asks for something: what his token allows, and the answer to what it does not.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acl/authorizer.h"
#include "agent/tokens/needs.h"
#include "base/result.h"

namespace proconsul::agent::tokens {

/// What the rules of a token's policies amount to; shared by all tokens with the same policies.
struct Permissions {
  acl::Authorizer rules;
  std::vector<std::string> policies{};  // names, as acl::Verdict::policy counts them
};

struct Who {
  std::string accessor{};  // of the token; empty while ACLs are off
  std::shared_ptr<const Permissions> permissions{};

  const acl::Authorizer* operator->() const { return &permissions->rules; }
};

/// Everything, for everybody: while ACLs are off, and for what the agent does itself.
const Who& anybody();

/// "Permission denied: token with AccessorID '...' lacks permission 'key:write' on \"a\"".
base::Error denied(const Who& who, acl::Resource resource, std::optional<std::string_view> name, acl::Access access);
/// An error unless it is allowed. Of acl, keyring, operator, mesh and peering.
base::Result<> require(const Who& who, acl::Resource resource, acl::Access access);
/// Of all others.
base::Result<> require(const Who& who, acl::Resource resource, std::string_view name, acl::Access access);

/// Whether an error, here or of another server, is that a token does not allow it, or is not known.
bool is_refusal(const base::Error& error);
/// The latter.
bool is_unknown(const base::Error& error);

/// What a row needs; `own_node` names what is the agent's own.
base::Result<> require(const Who& who, const Needs& needs, std::string_view own_node);

}  // namespace proconsul::agent::tokens
