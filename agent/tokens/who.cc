#include "agent/tokens/who.h"

#include "base/quote.h"
#include "catalog/acl/builtin.h"

namespace proconsul::agent::tokens {

using base::Errc;
using base::Error;
using base::Result;

const Who& anybody() {
  // Without a count: every request of every thread would change it.
  static const Permissions kEverything{acl::Authorizer(acl::Rules{}, acl::Fallback::manage)};
  static const Who kAnybody{
      .accessor = {},
      .permissions = std::shared_ptr<const Permissions>(std::shared_ptr<const Permissions>(), &kEverything)};
  return kAnybody;
}

Error denied(const Who& who, acl::Resource resource, std::optional<std::string_view> name, acl::Access access) {
  const bool anonymous = who.accessor == catalog::kAnonymousAccessor;
  std::string text = "Permission denied: ";
  text += anonymous ? "anonymous token" : "token with AccessorID '" + who.accessor + "'";
  text.append(" lacks permission '").append(to_string(resource)).append(":").append(to_string(access)).append("'");
  if (name && !name->empty()) text.append(" on \"").append(*name).append("\"");
  if (anonymous) text += ". The anonymous token is used implicitly when a request does not specify a token.";
  return {Errc::permission_denied, std::move(text)};
}

Result<> require(const Who& who, acl::Resource resource, acl::Access access) {
  if (who->allows(resource, access)) return {};
  return denied(who, resource, std::nullopt, access);
}

Result<> require(const Who& who, acl::Resource resource, std::string_view name, acl::Access access) {
  if (who->allows(resource, name, access)) return {};
  return denied(who, resource, name, access);
}

bool is_refusal(const base::Error& error) {
  return error.detail.find("Permission denied") != std::string::npos || is_unknown(error);
}

bool is_unknown(const base::Error& error) {
  return error.detail.find("ACL not found") != std::string::npos;
}

Result<> require(const Who& who, const Needs& needs, std::string_view own_node) {
  if (needs.access == acl::Access::none) return {};
  return is_named(needs.resource) ? require(who, needs.resource, own_node, needs.access)
                                  : require(who, needs.resource, needs.access);
}

}  // namespace proconsul::agent::tokens
