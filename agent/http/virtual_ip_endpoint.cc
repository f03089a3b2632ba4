#include "agent/http/virtual_ip_endpoint.h"

#include <utility>

#include "agent/http/answers.h"
#include "agent/http/ask.h"
#include "agent/rpc/intention_types.h"
#include "base/json.h"
#include "catalog/types/system.h"

namespace proconsul::agent::http {

using base::Result;

void assign_manual_ips(Context& agent, const Request& request, Responder responder) {
  rpc::AssignServiceManualVIPsRequest change;
  if (Result<> read = decode_body(request, change); !read) return responder.send(read.error());
  if (change.Datacenter.empty()) change.Datacenter = agent.settings.datacenter;
  change.Token = token_of(request);
  using Answer = catalog::AssignServiceManualVIPsResponse;
  ask<rpc::AssignServiceManualVIPsRequest, Answer>(
      agent, "Internal.AssignManualServiceVIPs", std::move(change),
      [responder = std::move(responder)](Result<Answer> answer) mutable {
        responder.send(answer ? Result<Reply>(json(base::to_json(*answer))) : Result<Reply>(answer.error()));
      });
}

}  // namespace proconsul::agent::http
