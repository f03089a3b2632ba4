#include "agent/rpc/federation_primary.h"

#include <utility>

#include "agent/rpc/federation_types.h"
#include "agent/rpc/types.h"
#include "agent/rpc/waited_call.h"

namespace proconsul::agent::rpc {

using base::Result;

server::FederationPrimary federation_primary(Caller& caller, base::net::Loops& loops, server::AclSettings settings) {
  server::FederationPrimary primary;
  primary.ask = [&caller, &loops, settings](std::uint64_t after, const std::stop_token& over) {
    DCSpecificRequest request;
    request.Datacenter = settings.primary_datacenter;
    request.Token = settings.replication_token();
    request.AllowStale = true;
    request.MinQueryIndex = after;
    return ask_and_wait<IndexedFederationStates>(caller, loops, "FederationState.List", std::move(request), over);
  };
  primary.set = [&caller, &loops, settings = std::move(settings)](catalog::FederationState state,
                                                                  const std::stop_token& over) -> Result<> {
    catalog::FederationStateRequest request;
    request.Datacenter = settings.primary_datacenter;
    request.Op = "upsert";
    request.State = std::move(state);
    request.Token = settings.replication_token();
    const Result<bool> done = ask_and_wait<bool>(caller, loops, "FederationState.Apply", std::move(request), over);
    return done ? Result<>() : done.error();
  };
  return primary;
}

}  // namespace proconsul::agent::rpc
