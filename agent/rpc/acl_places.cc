#include "agent/rpc/acl_places.h"

#include <algorithm>
#include <span>
#include <string>

#include "agent/rpc/acl_insight_types.h"
#include "agent/rpc/acl_types.h"
#include "agent/rpc/config_types.h"
#include "base/msgpack.h"
#include "base/type_of.h"
#include "catalog/config_entry/kinds.h"
#include "catalog/types/acl.h"

namespace proconsul::agent::rpc {

using base::Errc;
using base::Error;
using base::Result;
using server::AclSettings;

namespace {

void send_to_primary(const AclSettings& acl, Invocation& invocation) {
  replace_field(invocation, "Datacenter", acl.primary_datacenter);
}

/// The primary has the only ones that are changed.
Result<> in_primary(const AclSettings& acl, Invocation& invocation) {
  if (!acl.in_primary()) send_to_primary(acl, invocation);
  return {};
}

Result<> where_tokens_are(const AclSettings& acl, Invocation& invocation) {
  if (!acl.keeps_tokens()) send_to_primary(acl, invocation);
  return {};
}

/// A global token goes to the primary; a local one to where tokens are kept.
Result<> by_locality(const AclSettings& acl, Invocation& invocation) {
  using Call = TypedInvocation<ACLTokenSetRequest, catalog::ACLToken>;
  if (!dynamic_cast<Call&>(invocation).request.ACLToken.Local) {
    send_to_primary(acl, invocation);
  } else if (!acl.keeps_tokens()) {
    return Error{Errc::internal, "Local tokens are disabled"};
  }
  return {};
}

/// What a server that keeps no tokens lists are the primary's global ones.
Result<> global_ones_elsewhere(const AclSettings& acl, Invocation& invocation) {
  ACLTokenListRequest& request =
      dynamic_cast<TypedInvocation<ACLTokenListRequest, ACLTokenListResponse>&>(invocation).request;
  if (acl.keeps_tokens() || request.Datacenter == acl.primary_datacenter) return {};
  request.Datacenter = acl.primary_datacenter;
  request.IncludeLocal = false;
  request.IncludeGlobal = true;
  return {};
}

/// Auth methods are every datacenter's own, and make tokens.
Result<> with_tokens(const AclSettings& acl, Invocation&) {
  if (acl.keeps_tokens()) return {};
  return Error{Errc::internal, "Token replication is required for auth methods to function"};
}

/// Whatever the request says.
Result<> always_in_primary(const AclSettings& settings, Invocation& invocation) {
  send_to_primary(settings, invocation);
  return {};
}

/// Likewise; but what is exported to peers is every datacenter's own, and not to be mistaken.
Result<> apply_in_primary(const AclSettings& settings, Invocation& invocation) {
  auto& request = dynamic_cast<TypedInvocation<catalog::ConfigEntryRequest, bool>&>(invocation).request;
  if (request.Entry->kind->name == catalog::kind::kExportedServices) {
    if (request.Datacenter.empty() && !settings.in_primary()) {
      return Error{Errc::internal,
                   "exported-services writes in secondary datacenters must target the primary datacenter explicitly."};
    }
    if (!request.Datacenter.empty() && request.Datacenter != settings.primary_datacenter) {
      return Error{Errc::internal, "exported-services writes must not target secondary datacenters."};
    }
  }
  request.Datacenter = settings.primary_datacenter;
  return {};
}

/// Another one's token; everybody's own is known here.
Result<> explained(const AclSettings& acl, Invocation& invocation) {
  using Call = TypedInvocation<ExplainRequest, tokens::Explanation>;
  const bool own = dynamic_cast<Call&>(invocation).request.AccessorID.empty();
  return own ? Result<>() : where_tokens_are(acl, invocation);
}

struct Place {
  std::string_view method;
  Result<> (*settle)(const AclSettings& acl, Invocation& invocation);
};
// All others are answered where their requests say.
constexpr Place kAclPlaces[] = {
    {"ACL.AuthMethodDelete", &with_tokens},
    {"ACL.AuthMethodList", &with_tokens},
    {"ACL.AuthMethodRead", &with_tokens},
    {"ACL.AuthMethodSet", &with_tokens},
    {"ACL.BindingRuleDelete", &with_tokens},
    {"ACL.BindingRuleList", &with_tokens},
    {"ACL.BindingRuleRead", &with_tokens},
    {"ACL.BindingRuleSet", &with_tokens},
    {"ACL.Explain", &explained},
    {"ACL.Login", &with_tokens},
    {"ACL.Logout", &with_tokens},
    {"ACL.PolicyDelete", &in_primary},
    {"ACL.PolicySet", &in_primary},
    {"ACL.RoleDelete", &in_primary},
    {"ACL.RoleSet", &in_primary},
    {"ACL.TokenBatchRead", &where_tokens_are},
    {"ACL.TokenClone", &where_tokens_are},
    {"ACL.TokenDelete", &where_tokens_are},
    {"ACL.TokenList", &global_ones_elsewhere},
    {"ACL.TokenRead", &where_tokens_are},
    {"ACL.TokenSet", &by_locality},
};

constexpr Place kPlaces[] = {
    {"ConfigEntry.Apply", &apply_in_primary},
    {"ConfigEntry.Delete", &always_in_primary},
    {"FederationState.Apply", &always_in_primary},
    {"Intention.Apply", &always_in_primary},
};

Result<> settle_among(std::span<const Place> places, const AclSettings& acl, const Method& method,
                      Invocation& invocation) {
  const auto place = std::ranges::find(places, method.name, &Place::method);
  return place == places.end() ? Result<>() : place->settle(acl, invocation);
}

}  // namespace

Result<> settle_place(const AclSettings& acl, const Method& method, Invocation& invocation) {
  if (!method.name.starts_with("ACL.")) return settle_among(kPlaces, acl, method, invocation);
  return acl.enabled ? settle_among(kAclPlaces, acl, method, invocation) : Result<>();
}

void replace_field(Invocation& invocation, std::string_view field, std::string_view text) {
  // What a request does not say stays as it is.
  base::Map<std::string> only;
  only.emplace(field, text);
  std::string body;
  base::append_msgpack(body, only);
  (void)invocation.decode_request(body);
}

}  // namespace proconsul::agent::rpc
