#include "agent/server/api_gateway_duties.h"

#include <utility>

#include "base/watch.h"

namespace proconsul::agent::server {

void ApiGatewayDuties::open(Server& server) {
  threads_.start([this, &server](const std::stop_token& over, const ReplicationPause&) {
    ApiGatewayController::Means means;
    means.view = [&server] { return server.view(); };
    means.watch = [this, &server](const base::KeySet& keys, std::uint64_t token) {
      return server.watches().watch(keys, fired_, token);
    };
    means.apply = [&server](std::string command) { return apply_as_leader(server, std::move(command)); };
    means.clock = &clock_;
    means.fired = &fired_;
    ApiGatewayController(std::move(means)).run(over);
  });
}

}  // namespace proconsul::agent::server
