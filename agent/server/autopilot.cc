#include "agent/server/autopilot.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace proconsul::agent::server {
namespace {

using base::Errc;
using base::Result;
using gossip::serf::MemberStatus;

std::size_t majority(std::size_t voters) {
  return voters / 2 + 1;
}

bool is_healthy(const AutopilotServer& server, const Autopilot::Input& input, bool answered) {
  if (input.last_index == 0 || input.last_term == 0 || !answered) return false;
  if (server.status() != "alive") return false;
  const RaftStats& stats = server.stats;
  if (stats.last_contact.nanoseconds < 0 || stats.last_contact > input.config.LastContactThreshold) return false;
  if (stats.last_term != input.last_term) return false;
  return stats.last_index + input.config.MaxTrailingLogs >= input.last_index;
}

// Orders servers(): smaller is better.
auto rank(const AutopilotServer& server) {
  return std::tuple(!server.is_leader, !server.has_vote(), !server.healthy,
                    server.healthy ? server.since.nanoseconds : -server.since.nanoseconds, server.raft.id.value);
}

}  // namespace

std::string_view node_status(MemberStatus status) {
  switch (status) {
    case MemberStatus::alive:
    case MemberStatus::leaving:
      return "alive";
    case MemberStatus::failed:
      return "failed";
    case MemberStatus::left:
      return "left";
    case MemberStatus::none:
      break;
  }
  return "unknown";
}

std::string_view AutopilotServer::status() const {
  return info ? node_status(info->status) : "left";
}

void Autopilot::update(Input input) {
  if (!first_look_) first_look_ = input.now;
  std::vector<AutopilotServer> next;
  for (const raft::Server& member : input.configuration.servers) {
    AutopilotServer& server = next.emplace_back();
    const auto before =
        std::ranges::find(servers_, member.id, [](const AutopilotServer& other) { return other.raft.id; });
    if (before != servers_.end()) server = *before;
    server.raft = member;
    server.info.reset();
    for (const ServerInfo& info : input.known) {
      if (info.id == member.id.value) server.info = info;
    }
    server.is_leader = member.id == input.leader;
    const auto stats = input.stats.find(member.id.value);
    if (stats != input.stats.end()) server.stats = stats->second;
    // One that does not answer is judged by what it said last: its distance to the leader grows all the same.
    const bool healthy = is_healthy(server, input, stats != input.stats.end() || before != servers_.end());
    if (before == servers_.end() || before->healthy != healthy) {
      server.stable_since = input.wall;
      server.since = input.now;
    }
    server.healthy = healthy;
  }
  std::ranges::sort(next, {}, rank);
  servers_ = std::move(next);
  input_ = std::move(input);
}

void Autopilot::restart() {
  servers_.clear();
  first_look_.reset();
  input_ = {};
}

bool Autopilot::healthy() const {
  return std::ranges::all_of(servers_, &AutopilotServer::healthy);
}

int Autopilot::failure_tolerance() const {
  const auto voters = static_cast<std::size_t>(std::ranges::count_if(servers_, &AutopilotServer::has_vote));
  const auto healthy = static_cast<std::size_t>(std::ranges::count_if(
      servers_, [](const AutopilotServer& server) { return server.has_vote() && server.healthy; }));
  return healthy > majority(voters) ? static_cast<int>(healthy - majority(voters)) : 0;
}

std::vector<raft::MembershipChange> Autopilot::promotions() const {
  std::vector<raft::MembershipChange> changes;
  if (!first_look_) return changes;
  // At first nobody can have been seen healthy for long: then all who are count.
  const base::Duration wanted = input_.config.ServerStabilizationTime;
  const base::Duration least = input_.now - *first_look_ > wanted ? wanted : base::Duration{};
  for (const AutopilotServer& server : servers_) {
    if (server.raft.suffrage != raft::Suffrage::nonvoter || !server.healthy) continue;
    if (server.info && server.info->read_replica) continue;
    if (input_.now - server.since < least) continue;
    changes.push_back({.kind = raft::Change::add_voter, .id = server.raft.id, .address = server.raft.address});
  }
  return changes;
}

Autopilot::Removals Autopilot::removals() const {
  Removals removals;
  if (!input_.config.CleanupDeadServers) return removals;
  std::size_t voters = raft::voters(input_.configuration);
  std::size_t most = voters == 0 ? 0 : (voters - 1) / 2;
  const auto may_go = [&](const AutopilotServer& server) {
    if (!server.has_vote()) return true;
    const char* why = nullptr;
    if (voters - 1 < static_cast<std::uint64_t>(input_.config.MinQuorum)) {
      why = " stays: there would be fewer voters than min_quorum";
    } else if (most < 1) {
      why = " stays: to remove a majority of the servers is not safe";
    }
    if (why) {
      removals.refusals.push_back((server.info ? server.info->name : server.raft.id.value) + why);
      return false;
    }
    --voters;
    --most;
    return true;
  };
  std::vector<const AutopilotServer*> dead;
  for (const AutopilotServer& server : servers_) {
    if (!server.is_leader && server.status() != "alive") dead.push_back(&server);
  }
  // Unknown ones before failed ones: they can hardly come back.
  std::ranges::sort(dead, {}, [](const AutopilotServer* server) {
    return std::tuple(server->has_vote(), server->info.has_value(), server->raft.id.value);
  });
  for (const AutopilotServer* server : dead) {
    if (!may_go(*server)) continue;
    if (server->info) {
      removals.failed.push_back(*server->info);
    } else {
      removals.from_raft.push_back(server->raft.id);
    }
  }
  return removals;
}

Result<std::vector<raft::MembershipChange>> plan_server(const raft::Configuration& configuration,
                                                        const ServerInfo& server) {
  std::vector<raft::MembershipChange> changes;
  const std::string address = server.rpc_address();
  std::size_t lost = 0;
  bool had_vote = false;
  for (const raft::Server& other : configuration.servers) {
    if (other.id.value == server.id) {
      if (other.address == address) return std::vector<raft::MembershipChange>{};
      had_vote = other.suffrage != raft::Suffrage::nonvoter;
    } else if (other.address == address) {
      if (other.suffrage == raft::Suffrage::voter) ++lost;
      changes.push_back({.kind = raft::Change::remove_server, .id = other.id, .address = {}});
    }
  }
  const std::size_t voters = raft::voters(configuration);
  if (lost > voters - majority(voters)) {
    return {
        Errc::conflict,
        "Preventing server addition that would require removal of too many servers and cause cluster instability: " +
            server.name + " has the address " + address + " of a server with another ID"};
  }
  changes.push_back(
      {.kind = had_vote ? raft::Change::add_voter : raft::Change::add_nonvoter, .id = {server.id}, .address = address});
  return changes;
}

}  // namespace proconsul::agent::server
