// Subscriptions that this agent makes of others: of any server on a client agent, of another datacenter's on a server.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/grpc/messages.h"
#include "agent/grpc/retried_call.h"
#include "agent/rpc/cluster.h"
#include "base/net/loop.h"

namespace proconsul::agent::grpc {

/// Whom to ask for what a datacenter has; any thread.
using ServersOf = std::function<std::shared_ptr<Servers>(const std::string& datacenter)>;
/// How a server asks those of other datacenters. The cluster outlives it.
ServersOf servers_elsewhere(rpc::Cluster& cluster);

class Subscriber {
 public:
  /// `client` outlives it.
  Subscriber(Client& client, ServersOf servers);

  /// Each message is an Event. On the thread of `loop`.
  std::unique_ptr<RetriedCall> subscribe(base::net::Loop& loop, const SubscribeRequest& request,
                                         RetriedCall::User& user) const;
  /// The same with a request as it came from somewhere else.
  std::unique_ptr<RetriedCall> subscribe(base::net::Loop& loop, const std::string& datacenter, Frames request,
                                         RetriedCall::User& user) const;

 private:
  Client& client_;
  const ServersOf servers_;
};

}  // namespace proconsul::agent::grpc
