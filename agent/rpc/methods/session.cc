#include "catalog/store/session.h"
#include "agent/rpc/asking.h"
#include "agent/rpc/methods/families.h"
#include "agent/server/changes.h"
#include "agent/tokens/readable.h"

namespace proconsul::agent::rpc {
namespace {

using base::Result;

void apply(Services& services, catalog::SessionRequest& request, server::Answered<std::string> done) {
  const Result<tokens::Who> who = asking(services, request.Token);
  if (!who) return done(who.error());
  server::change_session(services.server, *who, std::move(request), services.session_ttl_min, std::move(done));
}

const std::string& id_of(const SessionSpecificRequest& request) {
  return request.SessionID.empty() ? request.Session : request.SessionID;
}

void fill(IndexedSessions& reply, const tokens::Who& who, catalog::SessionAnswer found) {
  reply.ResultsFilteredByACLs = tokens::says_filtered(who, tokens::keep_readable(who, found));
  reply.Index = found.index;
  for (const catalog::SessionRow* row : found.sessions) reply.Sessions.emplace_back(catalog::Session(*row));
}

Result<Found> get(Services& services, const catalog::View& view, base::KeySet* watch,
                  const SessionSpecificRequest& request, IndexedSessions& reply) {
  const Result<tokens::Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  catalog::SessionAnswer found = catalog::session_get(view.tables(), id_of(request), watch);
  const bool is_there = !found.sessions.empty();
  fill(reply, *who, std::move(found));
  return is_there ? Found::yes : Found::no;
}

Result<Found> list(Services& services, const catalog::View& view, base::KeySet* watch,
                   const SessionSpecificRequest& request, IndexedSessions& reply) {
  const Result<tokens::Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  fill(reply, *who, catalog::session_list(view.tables(), watch));
  return Found::yes;
}

Result<Found> of_node(Services& services, const catalog::View& view, base::KeySet* watch,
                      const NodeSpecificRequest& request, IndexedSessions& reply) {
  const Result<tokens::Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  fill(reply, *who, catalog::session_list_of_node(view.tables(), request.Node, watch));
  return Found::yes;
}

/// Only the leader keeps the time of sessions.
Result<> renew(Services& services, const SessionSpecificRequest& request, IndexedSessions& reply) {
  const auto view = services.server.view();
  const Result<tokens::Who> who = asking(services, *view, request.Token);
  if (!who) return who.error();
  const catalog::SessionAnswer found = catalog::session_get(view->tables(), id_of(request), nullptr);
  if (!found.sessions.empty()) {
    const Result<> allowed =
        tokens::require(*who, acl::Resource::session, found.sessions.front()->Node, acl::Access::write);
    if (!allowed) return allowed;
  }
  fill(reply, tokens::anybody(), found);
  if (!found.sessions.empty()) services.server.restart_session_timer(*found.sessions.front());
  return {};
}

}  // namespace

std::span<const Method> session_methods() {
  static constexpr Method kRows[] = {
      method<&apply>("Session.Apply", 0),
      method<&get>("Session.Get", kReads),
      method<&list>("Session.List", kReads),
      method<&of_node>("Session.NodeSessions", kReads),
      method<&renew>("Session.Renew", kReads | kLeaderAlways | kCountsAsWrite),
  };
  return kRows;
}

}  // namespace proconsul::agent::rpc
