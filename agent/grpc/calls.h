// Calls of the services that a server answers if it leads, and has the leader answer otherwise: how they are made, and
// what comes back.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>

#include "agent/grpc/method.h"
#include "base/net/h2_fields.h"
#include "base/time.h"

namespace proconsul::agent::grpc {

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
/// From any thread, once.
using CallDone = std::move_only_function<void(std::expected<CallReply, Status>)>;

/// A unary method by what answers its bytes. `shows_meta`: the reply's index is told in the headers.
Method by_bytes(std::string name, Load load, bool shows_meta,
                std::function<void(std::string request, CallOptions options, CallDone done)> act);

}  // namespace proconsul::agent::grpc
