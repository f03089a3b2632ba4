#include "agent/http/federation_endpoint.h"

#include <string_view>
#include <utility>

#include "agent/http/answers.h"
#include "agent/http/ask.h"
#include "agent/rpc/federation_types.h"
#include "base/json.h"

namespace proconsul::agent::http {

using base::Result;

Result<Question> ask_federation_states(const Context&, const Request& request) {
  return question(
      "FederationState.List", query_of<rpc::DCSpecificRequest>(request),
      +[](const AskedContext&, rpc::IndexedFederationStates& found) -> Result<Answer> {
        found.States.make_present();
        return Answer{.reply = json(base::to_json(found.States))};
      });
}

Result<Question> ask_federation_gateways(const Context&, const Request& request) {
  return question(
      "FederationState.ListMeshGateways", query_of<rpc::DCSpecificRequest>(request),
      +[](const AskedContext&, rpc::DatacenterIndexedCheckServiceNodes& found) -> Result<Answer> {
        found.DatacenterNodes.make_present();
        for (auto& [datacenter, nodes] : found.DatacenterNodes) nodes.make_present();
        return Answer{.reply = json(base::to_json(found.DatacenterNodes))};
      });
}

Result<Question> ask_federation_state(const Context&, const Request& request) {
  const Result<std::string_view> datacenter = path_part(request, "datacenter name");
  if (!datacenter) return datacenter.error();
  auto query = query_of<rpc::FederationStateQuery>(request);
  query.TargetDatacenter = std::exchange(query.Datacenter, *datacenter);
  return question(
      "FederationState.Get", std::move(query),
      +[](const AskedContext&, rpc::FederationStateResponse& found) -> Result<Answer> {
        if (!found.State) return Answer{.reply = {.status = 404, .type = {}}};
        return Answer{.reply = json(base::to_json(found))};
      });
}

void delete_federation_state(Context& agent, const Request& request, Responder responder) {
  const Result<std::string_view> datacenter = path_part(request, "datacenter name");
  if (!datacenter) return responder.send(Result<Reply>(datacenter.error()));
  catalog::FederationStateRequest change;
  change.Op = "delete";
  change.Datacenter = named_datacenter(agent, request);
  change.Token = token_of(request);
  change.State.emplace().Datacenter = *datacenter;
  ask<catalog::FederationStateRequest, bool>(agent, "FederationState.Apply", std::move(change),
                                             [responder = std::move(responder)](const Result<bool>& done) mutable {
                                               if (!done) return responder.send(Result<Reply>(done.error()));
                                               responder.send(json("true"));
                                             });
}

}  // namespace proconsul::agent::http
