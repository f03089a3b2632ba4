// subscribe.StateChangeSubscription: how client agents keep views of service health (and others of more) current
// without asking again and again.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/grpc/event_publisher.h"
#include "agent/grpc/method.h"
#include "agent/grpc/subscriber.h"
#include "agent/rpc/cluster.h"
#include "agent/server/server.h"
#include "agent/tokens/resolver.h"
#include "base/net/loop.h"
#include "base/result.h"
#include "base/time.h"

namespace proconsul::agent::grpc {

class SubscribeService {
 public:
  struct Settings {
    std::string datacenter = "dc1";
    base::Duration hold_timeout = base::seconds(7);  // rpc_hold_timeout: how long a leader is waited for
    tokens::Resolver* tokens = nullptr;              // outlives the service; null: ACLs are off
  };
  /// All outlive it, and the server's writer ends before it does.
  SubscribeService(base::net::Loops& loops, server::Server& server, const rpc::Cluster& cluster,
                   const Subscriber& elsewhere, Settings settings);
  ~SubscribeService();
  void add_to(Services& services);
  /// Once no call is open any more, and before the server's writer ends; not from a loop. Idempotent.
  void stop();

 private:
  class Subscription;
  class Guard;

  base::net::Loops& loops_;
  server::Server& server_;
  const rpc::Cluster& cluster_;
  const Subscriber& elsewhere_;
  const Settings settings_;
  std::vector<std::unique_ptr<EventPublisher>> publishers_{};  // one per loop, as are
  std::vector<std::unique_ptr<Guard>> guards_{};
  bool stopped_ = false;
};

/// What a request is about. The errors are those of invalid arguments, in Consul's words.
base::Result<Subject> subject_of(const SubscribeRequest& request);

}  // namespace proconsul::agent::grpc
