// What a connection to another server's port begins with (rpc.md 1 and 2 of the wire reference).
#pragma once

#include <string>
#include <string_view>

#include "base/net/tcp_channel.h"

namespace proconsul::agent::rpc {

// Names in ALPN of what is spoken.
inline constexpr std::string_view kRpcSingle = "consul/rpc-single";
inline constexpr std::string_view kRpcMulti = "consul/rpc-multi";
inline constexpr std::string_view kRpcSnapshot = "consul/rpc-snapshot";
inline constexpr std::string_view kRpcGrpc = "consul/rpc-grpc";

/// The byte that says what is spoken; nothing where ALPN has said it.
inline std::string kind_byte(const base::net::TcpChannel& channel, char byte) {
  const bool said = channel.tls() != nullptr && !channel.tls()->protocol().empty();
  return said ? std::string() : std::string(1, byte);
}

}  // namespace proconsul::agent::rpc
