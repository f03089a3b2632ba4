// For tests: a server of its own, all in memory, that leads at once.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "agent/server/raft_server.h"

namespace proconsul::agent::server {

/// "n1" of "dc1" at 127.0.0.1:8300, whose pool is empty.
inline RaftServer::Options lone_server() {
  RaftServer::Options options;
  options.raft.id = {"6e7ac45e-0000-0000-0000-000000000001"};
  options.raft.address = "127.0.0.1:8300";
  options.raft.bootstrap = raft::Configuration{{{options.raft.id, options.raft.address, raft::Suffrage::voter}}};
  options.raft.core.heartbeat_timeout = options.raft.core.election_timeout = std::chrono::milliseconds(20);
  options.raft.core.leader_lease = std::chrono::milliseconds(15);
  options.duties.self.Node = "n1";
  options.duties.self.Address = "127.0.0.1";
  options.duties.self.ID = options.raft.id.value;
  options.duties.datacenter = "dc1";
  options.duties.means.members = [] { return std::vector<gossip::serf::MemberPtr>(); };
  options.duties.means.suspects = [] { return std::size_t{0}; };
  options.duties.means.fetch_stats = [](const auto&, auto done) { done({}); };
  options.duties.means.force_leave = [](const std::string&) {};
  options.duties.means.tell_of_leader = [] {};
  return options;
}

}  // namespace proconsul::agent::server
