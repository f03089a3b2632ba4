#include "agent/http/session_endpoint.h"

#include <optional>
#include <utility>

#include "agent/http/answer_types.h"
#include "agent/http/answers.h"
#include "agent/http/ask.h"
#include "agent/http/asking.h"
#include "agent/http/changes.h"
#include "agent/http/metrics.h"
#include "base/json.h"
#include "catalog/store/session.h"

namespace proconsul::agent::http {
namespace {

using base::Errc;
using base::Result;

constexpr std::string_view kSerfCheck = "serfHealth";

Body rows(const std::vector<const catalog::SessionRow*>& sessions) {
  std::string body = "[";
  for (const catalog::SessionRow* row : sessions) {
    if (body.size() > 1) body += ',';
    base::append_json<catalog::Session>(body, *row);
  }
  body += ']';
  return body;
}

Result<Answer> answer(const ReadContext& context, catalog::SessionAnswer found) {
  const Result<tokens::Who> who = asking(context);
  if (!who) return who.error();
  const bool filtered = tokens::keep_readable(*who, found);
  return Answer{.reply = json(rows(found.sessions)),
                .index = found.index,
                .filtered_by_acls = tokens::says_filtered(*who, filtered)};
}

/// Both spellings of "the node's own check" are preset, so that a body that sets one of them (perhaps to nothing)
/// clears the other.
void settle_default_checks(catalog::Session& session) {
  if (session.Checks.empty()) {
    session.NodeChecks.reset();
    session.NodeChecks.make_present();
  } else if (session.Checks.size() == 1 && session.Checks.front() == kSerfCheck) {
    session.Checks.reset();
  } else if (session.NodeChecks.empty()) {
    session.Checks.reset();
  }
}

Result<catalog::SessionRequest> decode_create(Context& agent, const Request& request) {
  catalog::SessionRequest change{};
  change.Token = token_of(request);
  change.Datacenter = named_datacenter(agent, request);
  change.Op = "create";
  catalog::Session& session = change.Session;
  session.Node = agent.settings.node_name;
  session.NodeChecks = {std::string(kSerfCheck)};
  session.Checks = {std::string(kSerfCheck)};
  session.LockDelay = base::seconds(15);
  session.Behavior = "release";
  if (request.content_length > 0) {
    if (Result<> read = base::read_json(request.body, session, {.input = base::JsonInput::first}); !read) {
      return {Errc::invalid_argument, "Request decode failed: " + read.error().detail};
    }
  }
  settle_default_checks(session);
  return change;
}

Result<std::string_view> required(const Request& request, const char* what) {
  if (request.rest.empty()) return {Errc::invalid_argument, std::string("Missing ") + what};
  return request.rest;
}

Result<Answer> show(const AskedContext&, rpc::IndexedSessions& found) {
  found.Sessions.make_present();
  return Answer{.reply = json(base::to_json(found.Sessions))};
}

void renew_elsewhere(Context& agent, const Request& request, const std::string& id, Responder responder) {
  auto query = query_of<rpc::SessionSpecificRequest>(request);
  query.SessionID = id;
  ask<rpc::SessionSpecificRequest, rpc::IndexedSessions>(
      agent, "Session.Renew", std::move(query),
      [id, responder = std::move(responder)](Result<rpc::IndexedSessions> renewed) mutable {
        if (!renewed) return responder.send(Result<Reply>(renewed.error()));
        if (renewed->Sessions.empty()) {
          return responder.send(Result<Reply>(Errc::not_found, "Session id '" + id + "' not found"));
        }
        responder.send(json(base::to_json(renewed->Sessions)));
      });
}

/// Nothing: there is no such session here (yet).
std::optional<Result<>> may_renew(const Context& agent, const std::string& id, const std::string& token) {
  if (!agent.tokens) return Result<>();
  const auto view = agent.server->view();
  const Result<tokens::Who> who = agent.tokens->resolve(view->tables(), token);
  if (!who) return Result<>(who.error());
  const catalog::SessionAnswer known = catalog::session_get(view->tables(), id, nullptr);
  if (known.sessions.empty()) return std::nullopt;
  return tokens::require(*who, acl::Resource::session, known.sessions.front()->Node, acl::Access::write);
}

void renew_here(Context& agent, const std::string& id, Responder responder) {
  agent.server->renew_session(id, [&agent, id, responder = std::move(responder)](const Result<>& renewed) mutable {
    if (!renewed) return responder.send(Result<Reply>(renewed.error()));
    const auto view = agent.server->view();
    const catalog::SessionAnswer found = catalog::session_get(view->tables(), id, nullptr);
    if (!found.sessions.empty()) return responder.send(json(rows(found.sessions)));
    // The leader has it, and this server is not as far yet.
    agent.server->verify_leader([&agent, id, responder = std::move(responder)](const Result<>& current) mutable {
      if (!current) return responder.send(Result<Reply>(current.error()));
      const auto now = agent.server->view();
      responder.send(json(rows(catalog::session_get(now->tables(), id, nullptr).sessions)));
    });
  });
}

}  // namespace

void session_create(Context& agent, const Request& request, Responder responder) {
  Result<catalog::SessionRequest> change = decode_create(agent, request);
  if (!change) return responder.send(change.error());
  // A client's servers know nothing of its node's checks in another datacenter.
  if (agent.server == nullptr && change->Datacenter != agent.settings.datacenter) {
    return responder.send(Result<Reply>(Errc::internal, "cross datacenter lock must be created at server agent"));
  }
  change_session(agent, std::move(*change), [responder = std::move(responder)](Result<std::string> made) mutable {
    if (!made) return responder.send(Result<Reply>(made.error()));
    responder.send(json(base::to_json(SessionCreated{.ID = std::move(*made)})));
  });
}

void session_destroy(Context& agent, const Request& request, Responder responder) {
  const Result<std::string_view> id = required(request, "session");
  if (!id) return responder.send(id.error());
  catalog::SessionRequest change{};
  change.Token = token_of(request);
  change.Datacenter = named_datacenter(agent, request);
  change.Op = "destroy";
  change.Session.ID = *id;
  change.Session.Behavior = "release";
  change_session(agent, std::move(change), [responder = std::move(responder)](Result<std::string> gone) mutable {
    responder.send(gone ? Result<Reply>(json("true")) : Result<Reply>(gone.error()));
  });
}

void session_renew(Context& agent, const Request& request, Responder responder) {
  const Result<std::string_view> required_id = required(request, "session");
  if (!required_id) return responder.send(Result<Reply>(required_id.error()));
  const std::string id(*required_id);
  if (!is_here(agent, request.options.datacenter)) return renew_elsewhere(agent, request, id, std::move(responder));
  const base::metrics::ScopedTimer timer(request_metrics().session_renew);
  const std::optional<Result<>> allowed = may_renew(agent, id, request.options.token);
  if (allowed && *allowed) return renew_here(agent, id, std::move(responder));
  if (allowed && agent.server->leadership().is_leader) return responder.send(Result<Reply>(allowed->error()));
  // The leader may know more.
  agent.server->verify_leader(
      [&agent, id, token = request.options.token, responder = std::move(responder)](const Result<>& current) mutable {
        if (!current) return responder.send(Result<Reply>(current.error()));
        const std::optional<Result<>> known = may_renew(agent, id, token);
        if (!known) return responder.send(base::Error{Errc::not_found, "Session id '" + id + "' not found"});
        if (!*known) return responder.send(Result<Reply>(known->error()));
        renew_here(agent, id, std::move(responder));
      });
}

Result<Answer> session_info(const ReadContext& context) {
  const Result<std::string_view> id = required(context.request, "session");
  if (!id) return id.error();
  catalog::SessionAnswer found = catalog::session_get(context.view.tables(), *id, context.watch);
  const bool absent = found.sessions.empty();
  Result<Answer> reply = answer(context, std::move(found));
  if (reply) reply->absent = absent;
  return reply;
}

Result<Answer> session_list(const ReadContext& context) {
  return answer(context, catalog::session_list(context.view.tables(), context.watch));
}

Result<Answer> session_node(const ReadContext& context) {
  const Result<std::string_view> node = required(context.request, "node name");
  if (!node) return node.error();
  return answer(context, catalog::session_list_of_node(context.view.tables(), *node, context.watch));
}

Result<Question> ask_session_info(const Context&, const Request& request) {
  const Result<std::string_view> id = required(request, "session");
  if (!id) return id.error();
  auto query = query_of<rpc::SessionSpecificRequest>(request);
  query.SessionID = *id;
  return question("Session.Get", std::move(query), &show);
}

Result<Question> ask_session_list(const Context&, const Request& request) {
  return question("Session.List", query_of<rpc::SessionSpecificRequest>(request), &show);
}

Result<Question> ask_session_node(const Context&, const Request& request) {
  const Result<std::string_view> node = required(request, "node name");
  if (!node) return node.error();
  auto query = query_of<rpc::NodeSpecificRequest>(request);
  query.Node = *node;
  return question("Session.NodeSessions", std::move(query), &show);
}

}  // namespace proconsul::agent::http
