// What servers and clients say of themselves in the tags of their pool (serf.tsv).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/type.h"
#include "gossip/serf/message.h"

namespace proconsul::agent::server {

/// The user event by which a new leader tells all agents of its datacenter; the payload is its name.
inline constexpr std::string_view kNewLeaderEvent = "consul:new-leader";

/// A server of some datacenter, as its member in a pool describes it.
struct ServerInfo {
  std::string name{};        // of the member: on the WAN "node.datacenter"
  std::string short_name{};  // of the node
  std::string id{};
  std::string datacenter{};
  std::string segment{};  // Consul Enterprise's; such servers are left alone
  std::string ip{};       // text
  std::uint16_t port{};   // for RPC
  std::uint16_t gossip_port{};
  std::uint16_t wan_join_port{};  // LAN members only; 0: it is not on the WAN
  std::uint16_t grpc_port{}, grpc_tls_port{};
  bool bootstrap{};
  int expect{};
  bool read_replica{};
  bool use_tls{};
  bool acls{};
  std::string build{};  // "1.21.4"
  int protocol{};
  int raft_version{};
  base::Map<std::string> features{};  // without their "ft_"
  gossip::serf::MemberStatus status{};

  /// "10.0.0.1:8300"; what raft and connections use.
  std::string rpc_address() const;
};
/// Nothing: it is no server, or its tags make no sense.
std::optional<ServerInfo> server_info(const gossip::serf::Member& member);

/// The datacenter of a member that is a client agent.
std::optional<std::string> client_datacenter(const gossip::serf::Member& member);

/// "1.21.4" of "1.21.4:59b8b905"; empty if there is no version in it.
std::string build_version(std::string_view build);

/// Tags of this agent. `own`: everything but name, ip, status and gossip_port counts.
base::Map<std::string> server_tags(const ServerInfo& own, std::string_view build);
base::Map<std::string> client_tags(const std::string& datacenter, const std::string& id, std::string_view build);

}  // namespace proconsul::agent::server
