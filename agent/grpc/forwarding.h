// What a client agent does with calls of the servers' services: it has a server answer them.
#pragma once

#include <memory>

#include "agent/grpc/client.h"
#include "agent/grpc/method.h"
#include "agent/grpc/retried_call.h"

namespace proconsul::agent::grpc {

/// Calls of methods under "/hashicorp.consul." that no other service has go on as they are, with their metadata; others
/// are unimplemented. One request is forwarded, of any number of answers. `client` outlives what is served.
void forward_to_servers(Services& services, Client& client, std::shared_ptr<Servers> servers);

}  // namespace proconsul::agent::grpc
