#include "agent/http/federation_status_endpoint.h"

#include <utility>

#include "agent/doctor/report.h"
#include "agent/http/answers.h"
#include "agent/http/ask.h"
#include "agent/rpc/types.h"
#include "base/json.h"
#include "base/type_of.h"

namespace proconsul::agent::http {

using base::Result;

namespace {

template <class Rep>
void ask_federation(Context& agent, const Request& request, std::string_view method, Responder responder) {
  rpc::DCSpecificRequest query;
  query.Datacenter = named_datacenter(agent, request);
  query.AllowStale = true;
  query.Token = token_of(request);
  ask<rpc::DCSpecificRequest, Rep>(
      agent, method, std::move(query), [responder = std::move(responder)](Result<Rep> found) mutable {
        responder.send(found ? Result<Reply>(json(base::to_json(*found))) : Result<Reply>(found.error()));
      });
}

}  // namespace

void federation_status(Context& agent, const Request& request, Responder responder) {
  ask_federation<doctor::Status>(agent, request, "Federation.Status", std::move(responder));
}

void federation_doctor(Context& agent, const Request& request, Responder responder) {
  ask_federation<doctor::Report>(agent, request, "Federation.Examine", std::move(responder));
}

}  // namespace proconsul::agent::http
