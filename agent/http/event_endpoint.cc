#include "agent/http/event_endpoint.h"

#include "agent/event/events.h"
#include "agent/http/answers.h"
#include "agent/http/ask.h"
#include "agent/http/asking.h"
#include "base/json.h"
#include "base/random.h"

namespace proconsul::agent::http {

using base::Errc;
using base::Result;

namespace {

/// Whoever decided: what is not allowed is not explained, and a token that nobody knows is a failure like others.
Result<Reply> refusal(const base::Error& error) {
  if (error.detail.find("Permission denied") != std::string::npos) {
    return {Errc::permission_denied, "Permission denied"};
  }
  return error.detail.empty() ? error : base::Error{Errc::internal, error.detail};
}

}  // namespace

void event_fire(Context& agent, const Request& request, Responder responder) {
  event::UserEvent event;
  event.Name = request.rest;
  if (event.Name.empty()) return responder.send(Result<Reply>(Errc::invalid_argument, "Missing name"));
  event.NodeFilter = request.param("node");
  event.ServiceFilter = request.param("service");
  event.TagFilter = request.param("tag");
  if (request.content_length > 0) event.Payload = base::Bytes(std::string(request.body));
  if (Result<> valid = event::validate(event); !valid) return responder.send(Result<Reply>(valid.error()));
  const std::string datacenter(named_datacenter(agent, request));
  if (is_here(agent, datacenter)) {
    const Result<tokens::Who> who = asking(agent, request);
    if (!who) return responder.send(refusal(who.error()));
    if (!(*who)->allows(acl::Resource::event, event.Name, acl::Access::write)) {
      return responder.send(refusal({Errc::permission_denied, "Permission denied"}));
    }
    const Result<event::UserEvent> fired = agent.events->fire(std::move(event), base::system_random());
    return responder.send(fired ? Result<Reply>(json(base::to_json(*fired))) : Result<Reply>(fired.error()));
  }
  // Any server there will do: the gossip takes it on.
  rpc::EventFireRequest call;
  call.Datacenter = datacenter;
  call.Name = event.Name;
  call.Payload = base::Bytes(event::seal(event, base::system_random()));
  call.AllowStale = true;
  call.Token = token_of(request);
  ask<rpc::EventFireRequest, rpc::EventFireResponse>(
      agent, "Internal.EventFire", std::move(call),
      [responder = std::move(responder),
       event = std::move(event)](const Result<rpc::EventFireResponse>& fired) mutable {
        responder.send(fired ? Result<Reply>(json(base::to_json(event))) : refusal(fired.error()));
      });
}

Result<HashedAnswer> event_list(Context& agent, const Request& request, base::KeySet* watch) {
  if (watch != nullptr) event::Events::watch_key(*watch);
  const Result<tokens::Who> who = asking(agent, request);
  if (!who) return who.error();
  std::vector<event::UserEvent> events = agent.events->list(request.param("name"));
  const bool filtered = std::erase_if(events, [&](const event::UserEvent& event) {
                          return !(*who)->allows(acl::Resource::event, event.Name, acl::Access::read);
                        }) > 0;
  std::string body = "[";
  for (const event::UserEvent& event : events) {
    if (body.size() > 1) body += ',';
    base::append_json(body, event);
  }
  body += ']';
  // None at all must not look like "begin anew", or a watcher would ask without a pause.
  const std::uint64_t index = events.empty() ? 1 : event::index_of(events.back());
  HashedAnswer answer{.reply = json(std::move(body)), .hash = std::to_string(index)};
  if (tokens::says_filtered(*who, filtered)) answer.reply.header("X-Consul-Results-Filtered-By-ACLs", "true");
  return answer;
}

}  // namespace proconsul::agent::http
