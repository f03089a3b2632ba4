// hashicorp.consul.connectca.ConnectCAService: the mesh's roots as they are, and certificates.
#pragma once

#include <memory>
#include <string>

#include "agent/grpc/bearer.h"
#include "agent/grpc/followed.h"
#include "agent/grpc/method.h"
#include "agent/grpc/public_messages.h"
#include "agent/grpc/unary.h"
#include "agent/rpc/caller.h"
#include "base/net/loop.h"

namespace proconsul::agent::grpc {

class ConnectCaService {
 public:
  /// All outlive it. `enabled`: connect.enabled.
  ConnectCaService(base::net::Loops& loops, server::Server& server, Bearers& bearers, rpc::Caller& caller, bool enabled)
      : loops_(loops), caller_(caller), followers_(loops, server, bearers), enabled_(enabled) {}
  void add_to(Services& services);

 private:
  class Roots;
  void sign(std::string token, SignRequest request, Answer<SignResponse> answer);

  base::net::Loops& loops_;
  rpc::Caller& caller_;
  Followers followers_;
  const bool enabled_;
};

}  // namespace proconsul::agent::grpc
