// Who answers questions about peerings, wherever that is: a server that leads by its state, all others by gRPC.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <string_view>

#include "agent/grpc/method.h"
#include "base/net/h2_fields.h"
#include "base/time.h"

namespace proconsul::agent::peering {

/// How a call is made; of questions all, of changes the token.
struct CallOptions {
  std::string token{};
  std::uint64_t min_index{};  // 0: at once
  base::Duration wait{};
  bool consistent{};
};
/// As gRPC carries them, and back.
base::net::H2Fields fields_of(const CallOptions& options);
CallOptions options_of(const base::net::H2Fields& fields);

struct CallReply {
  std::string message{};  // in protobuf
  std::uint64_t index{};
};
using CallDone = std::move_only_function<void(std::expected<CallReply, grpc::Status>)>;

inline constexpr std::string_view kPeeringService = "hashicorp.consul.internal.peering.PeeringService";
inline constexpr std::string_view kPeerStreamService = "hashicorp.consul.internal.peerstream.PeerStreamService";

class Caller {
 public:
  virtual ~Caller() = default;
  /// A method of PeeringService by its name, with its request in protobuf. Any thread; `done` comes from any, once.
  virtual void call(std::string_view method, std::string request, CallOptions options, CallDone done) = 0;
};

}  // namespace proconsul::agent::peering
