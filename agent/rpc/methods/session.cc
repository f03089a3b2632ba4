#include "catalog/store/session.h"
#include "agent/rpc/methods/families.h"
#include "agent/server/changes.h"

namespace proconsul::agent::rpc {
namespace {

using base::Result;

void apply(Services& services, catalog::SessionRequest& request, server::Answered<std::string> done) {
  server::change_session(services.server, std::move(request), services.session_ttl_min, std::move(done));
}

const std::string& id_of(const SessionSpecificRequest& request) {
  return request.SessionID.empty() ? request.Session : request.SessionID;
}

void fill(IndexedSessions& reply, const catalog::SessionAnswer& found) {
  reply.Index = found.index;
  for (const catalog::SessionRow* row : found.sessions) reply.Sessions.emplace_back(catalog::Session(*row));
}

Result<Found> get(Services&, const catalog::View& view, base::KeySet* watch, const SessionSpecificRequest& request,
                  IndexedSessions& reply) {
  fill(reply, catalog::session_get(view.tables(), id_of(request), watch));
  return reply.Sessions.empty() ? Found::no : Found::yes;
}

Result<Found> list(Services&, const catalog::View& view, base::KeySet* watch, const SessionSpecificRequest&,
                   IndexedSessions& reply) {
  fill(reply, catalog::session_list(view.tables(), watch));
  return Found::yes;
}

Result<Found> of_node(Services&, const catalog::View& view, base::KeySet* watch, const NodeSpecificRequest& request,
                      IndexedSessions& reply) {
  fill(reply, catalog::session_list_of_node(view.tables(), request.Node, watch));
  return Found::yes;
}

/// Only the leader keeps the time of sessions.
Result<> renew(Services& services, const SessionSpecificRequest& request, IndexedSessions& reply) {
  const auto view = services.server.view();
  const catalog::SessionAnswer found = catalog::session_get(view->tables(), id_of(request), nullptr);
  fill(reply, found);
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
