// The operators' side of the server: raft's members, health, statistics, snapshots.
#include <algorithm>
#include <utility>

#include "agent/server/raft_server.h"
#include "agent/server/server_info.h"
#include "agent/version.h"

namespace proconsul::agent::server {
namespace {

using base::Errc;
using base::Result;

raft::WhenDone when_done(Done done) {
  return [done = std::move(done)](Result<raft::LogIndex> index) mutable {
    done(index ? Result<>() : Result<>(index.error()));
  };
}

}  // namespace

Operator::Peers RaftServer::raft_peers() {
  const raft::Status status = node_->status();
  Peers peers{.index = status.configuration_index.value, .servers = {}};
  for (const raft::Server& server : status.configuration.servers) {
    peers.servers.push_back({.id = server.id.value,
                             .address = server.address,
                             .voter = server.suffrage == raft::Suffrage::voter,
                             .leader = server.id == status.leader,
                             .last_index = server.id == node_->options().id ? status.last_index.value : 0});
  }
  return peers;
}

void RaftServer::remove_peer(const std::string& id, Done done) {
  node_->change_membership({.kind = raft::Change::remove_server, .id = {id}, .address = {}}, {},
                           when_done(std::move(done)));
}

void RaftServer::transfer_leader(const std::string& id, Done done) {
  node_->transfer_leadership({id}, std::move(done));
}

Operator::Health RaftServer::health() {
  Health health;
  Autopilot autopilot;
  base::Time stable_since{};
  {
    // Not while raft is asked: the thread that runs it may be about to report a change of its role, which takes the
    // lock.
    const std::lock_guard lock(duties_lock_);
    if (duties_) autopilot = duties_->autopilot();
    stable_since = stable_since_;
  }
  const raft::Status status = node_->status();
  for (const Peer& peer : raft_peers().servers) {
    ServerHealth& server = health.servers.emplace_back();
    server.peer = peer;
    const auto seen = std::ranges::find(autopilot.servers(), peer.id,
                                        [](const AutopilotServer& other) { return other.raft.id.value; });
    if (node_->is_leader() && seen != autopilot.servers().end()) {
      server.healthy = seen->healthy;
      server.last_contact = seen->stats.last_contact;
      server.last_term = seen->stats.last_term;
      server.peer.last_index = seen->stats.last_index;
      server.stable_since = seen->stable_since;
      server.gossip_status = seen->status();
      if (seen->info) server.version = seen->info->build;
    } else if (peer.id == node_->options().id.value) {  // what no look at others is needed for
      // A leader calls nobody healthy before it has looked, itself neither.
      server.healthy = !node_->is_leader() && !status.leader.value.empty() && node_->disk_healthy();
      server.last_term = status.last_term.value;
      server.stable_since = stable_since;
      server.gossip_status = "alive";
      server.version = build_version(kConsulVersion);
    }
  }
  return health;
}

void RaftServer::leaders_view_of_health(std::move_only_function<void(Result<Health>)> done) {
  if (remote_ == nullptr || node_->is_leader()) return done(health());
  remote_->health(std::move(done));
}

std::map<std::string, std::map<std::string, std::string>> RaftServer::statistics() {
  const bool leader = node_->is_leader();
  std::map<std::string, std::map<std::string, std::string>> sections{
      {"raft", node_->stats()},
      {"consul",
       {{"server", "true"},
        {"leader", leader ? "true" : "false"},
        {"leader_addr", node_->leader().address},
        // What keeps nothing (-dev) begins alone without being told to.
        {"bootstrap", node_->options().bootstrap && !node_->options().directory.empty() ? "true" : "false"},
        {"known_datacenters", "1"}}}};
  if (!leader) return sections;
  const PoolDuties::Held held = duties_->held();
  if (held.brake_enabled) {
    sections["mass_failure_brake"] = {{"engaged", held.brake.engaged ? "true" : "false"},
                                      {"held", std::to_string(held.brake.held)},
                                      {"failing", std::to_string(held.brake.failing)},
                                      {"members", std::to_string(held.brake.members)}};
  }
  if (held.damping_enabled) sections["flap_damping"] = {{"held", std::to_string(held.damped)}};
  return sections;
}

void RaftServer::take_snapshot(std::move_only_function<void(Result<Operator::Snapshot>)> done) {
  node_->snapshot([this, done = std::move(done)](Result<raft::SnapshotMeta> meta) mutable {
    if (!meta) return done(meta.error());
    Result<std::unique_ptr<raft::SnapshotReader>> state = node_->snapshots().read(meta->id);
    if (!state) return done(state.error());
    done(Operator::Snapshot{.index = meta->index.value, .state = std::move(*state)});
  });
}

void RaftServer::restore_snapshot(std::unique_ptr<raft::ByteSource> state, const raft::SnapshotMeta& meta, Done done) {
  node_->restore(std::move(state), meta, [this, done = std::move(done)](Result<raft::LogIndex> restored) mutable {
    if (!restored) return done(restored.error());
    // Sessions, tombstones and this server's own registration are others now.
    const std::lock_guard lock(duties_lock_);
    duties_->open_term_again(std::move(done));
  });
}

}  // namespace proconsul::agent::server
