#include "agent/cli/raft_peers.h"

namespace proconsul::agent::cli {
namespace {

std::string distance_text(const RaftServer& server, std::uint64_t leader_index) {
  if (server.Leader) return "-";
  // A follower may have grown since the leader counted itself.
  const std::uint64_t behind = leader_index > server.LastIndex ? leader_index - server.LastIndex : 0;
  return std::to_string(behind) + (behind == 1 ? " commit" : " commits");
}

}  // namespace

std::vector<std::vector<std::string>> raft_peer_rows(const RaftConfiguration& raft) {
  std::uint64_t leader_index = 0;
  for (const RaftServer& server : raft.Servers) {
    if (server.Leader) leader_index = server.LastIndex;
  }
  std::vector<std::vector<std::string>> rows{
      {"Node", "ID", "Address", "State", "Voter", "RaftProtocol", "Commit Index", "Trails Leader By"}};
  for (const RaftServer& server : raft.Servers) {
    rows.push_back({server.Node, server.ID, server.Address, server.Leader ? "leader" : "follower",
                    server.Voter ? "true" : "false", server.ProtocolVersion.empty() ? "<=1" : server.ProtocolVersion,
                    std::to_string(server.LastIndex), distance_text(server, leader_index)});
  }
  return rows;
}

}  // namespace proconsul::agent::cli
