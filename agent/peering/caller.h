// Who answers questions about peerings, wherever that is: a server that leads by its state, all others by gRPC.
#pragma once

#include <string>
#include <string_view>

#include "agent/grpc/calls.h"

namespace proconsul::agent::peering {

using grpc::CallDone;
using grpc::CallOptions;
using grpc::CallReply;

inline constexpr std::string_view kPeeringService = "hashicorp.consul.internal.peering.PeeringService";
inline constexpr std::string_view kPeerStreamService = "hashicorp.consul.internal.peerstream.PeerStreamService";

class Caller {
 public:
  virtual ~Caller() = default;
  /// A method of PeeringService by its name, with its request in protobuf. Any thread; `done` comes from any, once.
  virtual void call(std::string_view method, std::string request, CallOptions options, CallDone done) = 0;
};

}  // namespace proconsul::agent::peering
