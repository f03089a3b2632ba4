// hashicorp.consul.acl.ACLService: tokens for those whom an auth method vouches for.
#pragma once

#include <string>

#include "agent/grpc/method.h"
#include "agent/rpc/caller.h"
#include "base/net/loop.h"

namespace proconsul::agent::grpc {

class AclService {
 public:
  /// All outlive it. `enabled`: whether ACLs are on.
  AclService(base::net::Loops& loops, rpc::Caller& caller, std::string datacenter, bool enabled)
      : loops_(loops), caller_(caller), datacenter_(std::move(datacenter)), enabled_(enabled) {}
  void add_to(Services& services);

 private:
  base::net::Loops& loops_;
  rpc::Caller& caller_;
  const std::string datacenter_;
  const bool enabled_;
};

}  // namespace proconsul::agent::grpc
