#include "agent/rpc/intention_queries.h"

#include <algorithm>
#include <string>

#include "agent/tokens/readable.h"
#include "base/quote.h"
#include "catalog/config_entry/intentions.h"
#include "catalog/query/intentions.h"

namespace proconsul::agent::rpc {

using base::Errc;
using base::Error;
using base::Result;
using catalog::IntentionSide;
using catalog::IntentionTarget;

bool allows_without_intention(const tokens::Who& who, std::string_view policy) {
  return policy.empty() ? who->intention_default_allow() : policy == "allow";
}

Result<Found> list_intentions(const tokens::Who& who, const catalog::View& view, base::KeySet* watch,
                              const IntentionListRequest& request, IndexedIntentions& reply) {
  const catalog::Tables& tables = view.tables();
  reply.Intentions.make_present();
  if (request.Legacy) {  // there are none any more
    constexpr std::string_view kTable = "connect-intentions";
    catalog::watch_key(watch, catalog::Topic::index, kTable);
    reply.Index = std::max<std::uint64_t>(tables.index_of(kTable), 1);
    reply.DataOrigin = "legacy";
    return Found::yes;
  }
  catalog::IntentionsAnswer found = catalog::list_intentions(tables, watch);
  reply.ResultsFilteredByACLs = tokens::says_filtered(who, tokens::keep_readable(who, found.intentions));
  reply.Index = found.index;
  reply.Intentions = std::move(found.intentions);
  reply.Intentions.make_present();
  reply.DataOrigin = "config";
  return Found::yes;
}

Result<Found> get_intention(const tokens::Who& who, const catalog::View& view, base::KeySet* watch,
                            const IntentionQueryRequest& request, IndexedIntentions& reply) {
  Result<catalog::IntentionsAnswer> found;
  if (!request.IntentionID.empty()) {
    found = catalog::intention_by_id(view.tables(), request.IntentionID, watch);
  } else if (request.Exact) {
    const IntentionQueryExact& names = *request.Exact;
    for (const auto& [name, what] :
         {std::pair(&names.SourceNS, "Invalid SourceNS"), std::pair(&names.DestinationNS, "Invalid DestinationNS")}) {
      if (Result<> valid = catalog::check_intention_namespace(*name, what); !valid) return valid.error();
    }
    found = catalog::intention_between(view.tables(), names.SourceName, names.DestinationName, names.SourcePeer, watch);
  }
  if (!found) return found.error();
  if (found->intentions.empty()) return Error{Errc::not_found, "Intention not found"};
  tokens::keep_readable(who, found->intentions);
  if (found->intentions.empty()) return Error{Errc::permission_denied, "Permission denied"};
  reply.Index = found->index;
  reply.Intentions = std::move(found->intentions);
  return Found::yes;
}

Result<Found> match_intentions(const tokens::Who& who, const catalog::View& view, base::KeySet* watch,
                               const IntentionQueryRequest& request, IndexedIntentionMatches& reply) {
  if (!request.Match) return Error{Errc::internal, "Match must be specified on args"};
  const IntentionQueryMatch& wanted = *request.Match;
  for (const IntentionMatchEntry& entry : wanted.Entries) {
    Result<> valid = catalog::check_intention_namespace(entry.Namespace, "Invalid match entry namespace");
    if (valid) valid = catalog::check_intention_partition(entry.Partition, "Invalid match entry partition");
    if (!valid) return valid.error();
  }
  for (const IntentionMatchEntry& entry : wanted.Entries) {
    if (entry.Name.empty()) continue;
    Result<> may = tokens::require(who, acl::Resource::intention, entry.Name, acl::Access::read);
    if (!may) return may.error();
  }
  if (wanted.Type != "source" && wanted.Type != "destination") {
    return Error{Errc::internal, "invalid intention match type: " + wanted.Type};
  }
  const IntentionSide side = wanted.Type == "source" ? IntentionSide::source : IntentionSide::destination;
  reply.Index = 1;
  reply.Matches.make_present();
  Found some = Found::no;
  for (const IntentionMatchEntry& entry : wanted.Entries) {
    catalog::IntentionsAnswer found =
        catalog::match_intentions(view.tables(), side, entry.Name, IntentionTarget::service, watch);
    reply.Index = std::max(reply.Index, found.index);
    if (!found.intentions.empty()) some = Found::yes;
    reply.Matches.push_back(std::move(found.intentions));
  }
  return some;
}

Result<> check_intention(const tokens::Who& who, const catalog::View& view, std::string_view policy,
                         const IntentionQueryRequest& request, IntentionQueryCheckResponse& reply) {
  if (!request.Check) return Error{Errc::internal, "Check must be specified on args"};
  const IntentionQueryCheck& query = *request.Check;
  Result<> valid = catalog::check_intention_namespace(query.SourceNS, "Invalid source namespace");
  if (valid) valid = catalog::check_intention_namespace(query.DestinationNS, "Invalid destination namespace");
  if (!valid) return valid;
  if (query.SourceType != "consul") {
    return {Errc::internal, "unsupported SourceType: " + base::quote(query.SourceType)};
  }
  // Who may find the destination may know whether he would reach it.
  if (!query.DestinationName.empty()) {
    Result<> may = tokens::require(who, acl::Resource::service, query.DestinationName, acl::Access::read);
    if (!may) return may;
  }
  const catalog::IntentionsAnswer found = catalog::match_intentions(
      view.tables(), IntentionSide::source, query.SourceName, IntentionTarget::service, nullptr);
  reply.Allowed = catalog::decide(found.intentions, IntentionSide::destination, query.DestinationName,
                                  {.default_allow = allows_without_intention(who, policy), .allow_permissions = false})
                      .Allowed;
  return {};
}

}  // namespace proconsul::agent::rpc
