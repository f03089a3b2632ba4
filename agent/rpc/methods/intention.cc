#include <functional>

#include "agent/rpc/asking.h"
#include "agent/rpc/intention_queries.h"
#include "agent/rpc/methods/families.h"
#include "agent/rpc/methods/settling.h"
#include "agent/server/intention_changes.h"

namespace proconsul::agent::rpc {
namespace {

using base::Errc;
using base::Error;
using base::Result;

Result<> connect_on(const Services& services) {
  if (services.connect_enabled) return {};
  return {Errc::internal, std::string(kNoConnect)};
}

/// Who asks, while the mesh is enabled.
Result<tokens::Who> in_mesh(const Services& services, const catalog::View& view, std::string_view token) {
  if (Result<> on = connect_on(services); !on) return on.error();
  return asking(services, view, token);
}

void apply(Services& services, catalog::IntentionChange& request, server::Answered<std::string> done) {
  const Result<tokens::Who> who = in_mesh(services, *services.server.view(), request.Token);
  if (!who) return done(who.error());
  server::change_intention(services.server, *who, std::move(request), std::move(done));
}

Result<Found> list(Services& services, const catalog::View& view, base::KeySet* watch,
                   const IntentionListRequest& request, IndexedIntentions& reply) {
  if (Result<> on = connect_on(services); !on) return on.error();
  Result<base::filter::Filter> filter = base::filter::Filter::create<catalog::Intention>(request.Filter);
  if (!filter) return filter.error();
  const Result<tokens::Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  Result<Found> found = list_intentions(*who, view, watch, request, reply);
  // Only of what may be seen: an expression must not tell of the rest.
  if (!filter->matches_everything()) {
    std::erase_if(reply.Intentions, [&](const auto& one) { return !filter->matches(*one); });
  }
  return found;
}

Result<Found> get(Services& services, const catalog::View& view, base::KeySet* watch,
                  const IntentionQueryRequest& request, IndexedIntentions& reply) {
  const Result<tokens::Who> who = in_mesh(services, view, request.Token);
  if (!who) return who.error();
  return get_intention(*who, view, watch, request, reply);
}

Result<std::uint64_t> match(Services& services, const catalog::View& view, base::KeySet* watch,
                            const IntentionQueryRequest& request, IndexedIntentionMatches& reply) {
  const Result<tokens::Who> who = in_mesh(services, view, request.Token);
  if (!who) return who.error();
  const Result<Found> found = match_intentions(*who, view, watch, request, reply);
  if (!found) return found.error();
  return std::hash<std::string>()(base::to_msgpack(reply.Matches));
}

/// No blocking query: its answer has no index.
Result<> check(Services& services, const IntentionQueryRequest& request, IntentionQueryCheckResponse& reply) {
  const auto view = services.server.view();
  const Result<tokens::Who> who = in_mesh(services, *view, request.Token);
  if (!who) return who.error();
  return check_intention(*who, *view, services.default_intention_policy, request, reply);
}

}  // namespace

std::span<const Method> intention_methods() {
  static constexpr Method kRows[] = {
      method<&apply>("Intention.Apply", 0),      method<&list>("Intention.List", kReads),
      method<&get>("Intention.Get", kReads),     settling_method<&match>("Intention.Match", kReads),
      method<&check>("Intention.Check", kReads),
  };
  return kRows;
}

}  // namespace proconsul::agent::rpc
