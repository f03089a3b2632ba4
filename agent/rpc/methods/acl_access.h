// What the ACL methods have in common: who asks, and what he may see.
#pragma once

#include <string>
#include <string_view>

#include "acl/authorizer.h"
#include "agent/rpc/method.h"
#include "agent/tokens/resolver.h"
#include "agent/tokens/who.h"
#include "base/result.h"
#include "catalog/acl/links.h"
#include "catalog/store/store.h"

namespace proconsul::agent::rpc {

using catalog::check_id;

/// What is shown in place of a secret to those who may not change ACLs.
inline constexpr std::string_view kRedacted = "<hidden>";

/// Who asks, if ACLs are on: "ACL support disabled" otherwise.
inline base::Result<tokens::Who> who_of(const Services& services, const catalog::View& view, std::string_view secret) {
  if (!services.tokens || !services.tokens->enabled()) return {base::Errc::unauthorized, "ACL support disabled"};
  return services.tokens->resolve(view.tables(), secret);
}
/// Who asks, if he may read or change ACLs.
inline base::Result<tokens::Who> acl_access(const Services& services, const catalog::View& view,
                                            std::string_view secret, acl::Access access) {
  base::Result<tokens::Who> who = who_of(services, view, secret);
  if (!who) return who;
  if (base::Result<> allowed = tokens::require(*who, acl::Resource::acl, access); !allowed) return allowed.error();
  return who;
}
inline bool may_read_acls(const tokens::Who& who) {
  return who->allows(acl::Resource::acl, acl::Access::read);
}
/// Of a token or what is shown of one; whether the secret was taken out.
template <class Token>
bool redact(const tokens::Who& who, Token& token) {
  if (who->allows(acl::Resource::acl, acl::Access::write)) return false;
  token.SecretID = kRedacted;
  return true;
}

}  // namespace proconsul::agent::rpc
