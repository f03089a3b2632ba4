#include "agent/http/session_endpoint.h"

#include <utility>

#include "agent/http/answers.h"
#include "agent/http/metrics.h"
#include "agent/server/changes.h"
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

Answer answer(const catalog::SessionAnswer& found) {
  return {.reply = json(rows(found.sessions)), .index = found.index};
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

}  // namespace

void session_create(Context& agent, const Request& request, Responder responder) {
  Result<catalog::SessionRequest> change = decode_create(agent, request);
  if (!change) return responder.send(change.error());
  if (Result<> local = here(agent, change->Datacenter); !local) return responder.send(local.error());
  server::change_session(*agent.server, std::move(*change), agent.settings.session_ttl_min,
                         [responder = std::move(responder)](Result<std::string> made) mutable {
                           if (!made) return responder.send(Result<Reply>(made.error()));
                           responder.send(json("{\"ID\":\"" + *made + "\"}"));
                         });
}

void session_destroy(Context& agent, const Request& request, Responder responder) {
  const Result<std::string_view> id = required(request, "session");
  if (!id) return responder.send(id.error());
  const std::string_view datacenter = named_datacenter(agent, request);
  if (Result<> local = here(agent, datacenter); !local) return responder.send(local.error());
  catalog::SessionRequest change{};
  change.Datacenter = datacenter;
  change.Op = "destroy";
  change.Session.ID = *id;
  change.Session.Behavior = "release";
  server::change_session(*agent.server, std::move(change), agent.settings.session_ttl_min,
                         [responder = std::move(responder)](Result<std::string> gone) mutable {
                           responder.send(gone ? Result<Reply>(json("true")) : Result<Reply>(gone.error()));
                         });
}

void session_renew(Context& agent, const Request& request, Responder responder) {
  const base::metrics::ScopedTimer timer(request_metrics().session_renew);
  const Result<std::string_view> required_id = required(request, "session");
  if (!required_id) return responder.send(Result<Reply>(required_id.error()));
  const std::string id(*required_id);
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

Result<Answer> session_info(const ReadContext& context) {
  const Result<std::string_view> id = required(context.request, "session");
  if (!id) return id.error();
  const catalog::SessionAnswer found = catalog::session_get(context.view.tables(), *id, context.watch);
  Answer reply = answer(found);
  reply.absent = found.sessions.empty();
  return reply;
}

Result<Answer> session_list(const ReadContext& context) {
  return answer(catalog::session_list(context.view.tables(), context.watch));
}

Result<Answer> session_node(const ReadContext& context) {
  const Result<std::string_view> node = required(context.request, "node name");
  if (!node) return node.error();
  return answer(catalog::session_list_of_node(context.view.tables(), *node, context.watch));
}

}  // namespace proconsul::agent::http
