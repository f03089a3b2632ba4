#include "agent/http/federation_invite_endpoint.h"

#include <utility>

#include "agent/http/answers.h"
#include "agent/http/ask.h"
#include "agent/invite/messages.h"
#include "base/json.h"

namespace proconsul::agent::http {

using base::Result;

namespace {

template <class Req, class Rep>
void answer(Context& agent, const Request& request, Responder responder, std::string_view method, Req call) {
  call.Datacenter = named_datacenter(agent, request);
  call.Token = token_of(request);
  ask<Req, Rep>(agent, method, std::move(call), [responder = std::move(responder)](Result<Rep> reply) mutable {
    responder.send(reply ? Result<Reply>(json(base::to_json(*reply))) : Result<Reply>(reply.error()));
  });
}

template <class Req, class Rep>
void change(Context& agent, const Request& request, Responder responder, std::string_view method) {
  Req call;
  if (Result<> read = decode_body(request, call); !read) return responder.send(Result<Reply>(read.error()));
  answer<Req, Rep>(agent, request, std::move(responder), method, std::move(call));
}

}  // namespace

void federation_facts(Context& agent, const Request& request, Responder responder) {
  answer<rpc::DCSpecificRequest, invite::Facts>(agent, request, std::move(responder), "Federation.InvitationFacts", {});
}

void federation_invite(Context& agent, const Request& request, Responder responder) {
  change<invite::InviteRequest, invite::InviteReply>(agent, request, std::move(responder), "Federation.Invite");
}

void federation_forget(Context& agent, const Request& request, Responder responder) {
  change<invite::ForgetRequest, invite::ForgetReply>(agent, request, std::move(responder), "Federation.Forget");
}

}  // namespace proconsul::agent::http
