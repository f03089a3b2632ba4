// How servers are called: in the WAN pool, in TLS, and what is spoken with them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace proconsul::wanfed {

// ALPN of the WAN pool's connections.
inline constexpr std::string_view kPacketProtocol = "consul/wan-gossip/packet";
inline constexpr std::string_view kStreamProtocol = "consul/wan-gossip/stream";

/// A member of the WAN pool: "node.datacenter".
struct NodeName {
  std::string_view node{};
  std::string_view datacenter{};
};
/// Nothing unless there is exactly one dot, with something on both sides.
std::optional<NodeName> split_node_name(std::string_view name);

/// "node.server.dc2.consul"; any server of the datacenter if `node` is "*" or empty.
std::string server_name(std::string_view node, std::string_view datacenter, std::string_view domain);
/// One name as ALPN lists it.
std::string alpn(std::string_view protocol);

}  // namespace proconsul::wanfed
