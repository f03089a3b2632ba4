#include "agent/rpc/methods/acl_insight.h"

#include <utility>
#include <vector>

#include "agent/rpc/acl_insight_types.h"
#include "agent/rpc/methods/acl_access.h"
#include "agent/rpc/token_sums.h"
#include "agent/rpc/types.h"
#include "agent/server/acl_settings.h"
#include "agent/tokens/compile.h"
#include "base/clock.h"
#include "catalog/acl/tokens.h"

namespace proconsul::agent::rpc {
namespace {

using acl::Access;
using base::Errc;
using base::Error;
using base::Result;
using tokens::Who;

/// Another one's token, as it would be resolved; it does not count as used for that.
Result<Who> bearer_of(const Services& services, const catalog::Tables& tables, std::string_view accessor) {
  if (Result<> valid = check_id(accessor, "token"); !valid) return valid.error();
  const catalog::ACLToken* token = catalog::token_by_accessor(tables, accessor);
  if (!token || catalog::is_over(*token, base::system_clock().wall())) {
    return Error{Errc::permission_denied, "token does not exist: ACL not found"};
  }
  tokens::Compiler compiler(services.acl->default_policy == "allow");
  auto permissions = compiler.compile(tokens::in_datacenter(tokens::policies_of(tables, *token), services.datacenter));
  if (!permissions) return permissions.error();
  return Who{.accessor = token->AccessorID, .permissions = std::move(*permissions)};
}

Result<> explain(Services& services, const ExplainRequest& request, tokens::Explanation& reply) {
  const auto view = services.server.view();
  Result<Who> who = who_of(services, *view, request.Token);
  if (!who) return who.error();
  if (!request.AccessorID.empty() && request.AccessorID != who->accessor) {
    if (Result<> allowed = tokens::require(*who, acl::Resource::acl, Access::read); !allowed) return allowed;
    who = bearer_of(services, view->tables(), request.AccessorID);
    if (!who) return who.error();
  }
  Result<tokens::Explanation> explanation = tokens::explain(*who, request.Permission, request.Name);
  if (!explanation) return explanation.error();
  reply = std::move(*explanation);
  return {};
}

Result<> token_uses(Services& services, const DCSpecificRequest& request, TokenUses& reply) {
  const auto view = services.server.view();
  if (const Result<Who> who = acl_access(services, *view, request.Token, Access::read); !who) return who.error();
  tokens::Uses& uses = services.tokens->uses();
  reply.Since = base::from_unix(uses.since());
  reply.Uses.make_present();
  for (const tokens::Uses::Use& use : uses.changes(0).uses) reply.Uses.emplace(use.accessor, base::from_unix(use.at));
  return {};
}

/// Of a follower, at the leader: both know what the other one knew.
Result<> exchange(Services& services, const TokenUsesExchange& request, TokenUsesReply& reply) {
  const auto view = services.server.view();
  if (const Result<Who> who = acl_access(services, *view, request.Token, Access::write); !who) return who.error();
  tokens::Uses& uses = services.tokens->uses();
  std::vector<tokens::Uses::Use> told;
  for (const auto& [accessor, at] : request.Uses) {
    // Where tokens are kept, only those that there are.
    const bool kept = !services.acl->keeps_tokens() || catalog::token_by_accessor(view->tables(), accessor);
    if (kept) told.push_back({accessor, at});
  }
  uses.merge(told);
  if (request.Whole) uses.complete_since(request.Since);
  reply.Instance = uses.instance();
  reply.Whole = request.Known != reply.Instance;
  const tokens::Uses::Changes changes = uses.changes(reply.Whole ? 0 : request.After);
  reply.Last = changes.last;
  reply.Since = uses.since();
  for (const tokens::Uses::Use& use : changes.uses) reply.Uses.emplace(use.accessor, use.at);
  return {};
}

/// Those that ACL.TokenList lists to who copies them.
Result<Found> sums(Services& services, const catalog::View& view, base::KeySet* watch, const TokenSumsRequest& request,
                   TokenSumsResponse& reply) {
  const Result<Who> who = acl_access(services, view, request.Token, Access::read);
  if (!who) return who.error();
  const catalog::Tables& tables = view.tables();
  catalog::watch_key(watch, catalog::Topic::index, "acl-tokens");
  reply.Index = tables.index_of("acl-tokens");
  reply.Same = request.MinQueryIndex > 0 && reply.Index == request.MinQueryIndex;
  reply.Tokens = base::Bytes();
  if (reply.Same) return Found::yes;
  const bool shows_secrets = (*who)->allows(acl::Resource::acl, Access::write);
  reply.Tokens = base::Bytes(token_sums(tables, shows_secrets, base::system_clock().wall()));
  return Found::yes;
}

}  // namespace

std::span<const Method> acl_insight_methods() {
  static constexpr Method kRows[] = {
      method<&explain>("ACL.Explain", kReads),
      method<&sums>("ACL.TokenSums", kReads),
      method<&token_uses>("ACL.TokenUses", kReads | kLeaderAlways),
      method<&exchange>("ACL.TokenUsesExchange", kReads | kLeaderAlways),
  };
  return kRows;
}

}  // namespace proconsul::agent::rpc
