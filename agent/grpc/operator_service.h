// Who hands leadership to another server, wherever that is asked: the leader itself, and all others by gRPC. Consul has
// no RPC for it, but the service hashicorp.consul.internal.operator.OperatorService.
#pragma once

#include <string>

#include "agent/grpc/calls.h"
#include "agent/grpc/method.h"
#include "agent/grpc/remote_calls.h"
#include "agent/rpc/caller.h"
#include "agent/server/operator.h"
#include "agent/server/server.h"
#include "base/net/loop.h"

namespace proconsul::agent::grpc {

class LeaderTransfer {
 public:
  virtual ~LeaderTransfer() = default;
  /// To the server of this id, or to the best one if it is empty. Any thread; `done` comes from any, once.
  virtual void transfer_leader(const std::string& id, const std::string& token, server::Done done) = 0;
};

/// Of a client agent: servers do it.
class RemoteTransfer final : public LeaderTransfer {
 public:
  explicit RemoteTransfer(RemoteCalls& servers) : servers_(servers) {}
  void transfer_leader(const std::string& id, const std::string& token, server::Done done) override;

 private:
  RemoteCalls& servers_;
};

/// Of a server.
class OperatorService final : public LeaderTransfer {
 public:
  /// All outlive it.
  struct Parts {
    base::net::Loops& loops;
    server::Server& server;
    server::Operator& cluster;
    rpc::Caller& dispatcher;
    RemoteCalls& leader;
  };
  explicit OperatorService(const Parts& parts) : parts_(parts), at_leader_(parts.leader) {}
  void transfer_leader(const std::string& id, const std::string& token, server::Done done) override;
  void add_to(Services& services);

 private:
  void hand_over(const std::string& id, server::Done done);
  const Parts parts_;
  RemoteTransfer at_leader_;
};

}  // namespace proconsul::agent::grpc
