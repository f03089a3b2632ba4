// What goes wrong: the nemesis picks faults, and faults end by themselves or when the cluster is healed.
#include <cstring>

#include "tests/simulation/cluster.h"

namespace proconsul::simulation {

std::optional<std::size_t> Cluster::leader() const {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < kServers; ++i) {
    const Server& server = servers_[i];
    if (!server.up() || server.core->role() != raft::Role::leader) continue;
    if (!found || server.core->term() > servers_[*found].core->term()) found = i;
  }
  return found;
}

void Cluster::nemesis() {
  if (!chaos_) return;
  at(now_ + random_.between(10, pace_) * kMillisecond, Kind::nemesis);
  if (restore_.stage != Restore::Stage::none) return restore_episode();
  disturb();
}

void Cluster::disturb() {
  const std::size_t any = random_.below(kServers);
  const std::size_t someone = random_.chance(0.4) ? leader().value_or(any) : any;
  Server& server = servers_[someone];
  switch (random_.below(16)) {
    case 0:
    case 1:
    case 2:
      return partition();
    case 3:
    case 4:
      return crash_some();
    case 5:
      if (!server.up()) return;
      ++counts_.stalled;
      server.disk.stalled_until = now_ + random_.between(50, 2000) * kMillisecond;
      return;
    case 6:
      if (!server.up()) return;
      ++counts_.full;
      server.disk.full_until = now_ + random_.between(50, 2000) * kMillisecond;
      return;
    case 7:
      if (!server.up() || server.paused) return;
      ++counts_.pauses;
      server.paused = true;
      return at(now_ + random_.between(50, 1500) * kMillisecond, Kind::resume, someone);
    case 8:
    case 9:
    case 10:
      return change_membership();
    case 11:
    case 12:
      if (const auto current = leader()) {
        Server& from = servers_[*current];
        if (from.paused) return;
        const raft::ServerId target = random_.chance(0.5) ? raft::ServerId{} : servers_[random_.below(kServers)].id;
        if (from.core->transfer_leadership(target, local(from))) {
          ++counts_.transfers;
          if (random_.chance(0.4)) at(now_ + random_.between(0, 60) * kMillisecond, Kind::deafen, *current);
        }
        carry_out(*current);
      }
      return;
    case 13:
      return replace_lost();
    case 14:
      if (random_.chance(0.15)) return damage();
      loss_ = random_.chance(0.5) ? 0.5 : base_loss_;
      return;
    case 15:
      if (random_.chance(0.25)) {
        heal();
        restore_ = {Restore::Stage::quiet, now_, 0, 0};
        return;
      }
      slow_ = random_.chance(0.5) ? 0.5 : base_slow_;
      return;
  }
}

// Right after an election the logs differ most.
void Cluster::strike(std::size_t i) {
  if (!chaos_ || restore_.stage != Restore::Stage::none || !servers_[i].up()) return;
  if (random_.chance(0.6)) {
    ++counts_.restarts;
    return crash(i, random_.between(1, random_.chance(0.5) ? 50 : 1000) * kMillisecond);
  }
  ++counts_.partitions;
  ++partition_number_;
  std::memset(blocked_, 0, sizeof blocked_);
  for (std::size_t other = 0; other < kServers; ++other) {
    blocked_[i][other] = blocked_[other][i] = other != i && random_.chance(0.7);
  }
  at(now_ + random_.between(300, 2500) * kMillisecond, Kind::mend, 0, partition_number_);
}

// It still speaks but hears nothing: a leader that cannot learn that it was followed.
void Cluster::deafen(std::size_t i) {
  if (!chaos_ || restore_.stage != Restore::Stage::none) return;
  ++counts_.partitions;
  ++counts_.one_way;
  ++partition_number_;
  partitioned_ = true;
  for (std::size_t other = 0; other < kServers; ++other) blocked_[other][i] = other != i;
  at(now_ + random_.between(300, 1500) * kMillisecond, Kind::mend, 0, partition_number_);
}

void Cluster::partition() {
  if (partitioned_ && random_.chance(0.6)) return;  // let the one that is there last
  partitioned_ = true;
  ++counts_.partitions;
  note(kServers, "partition");
  ++partition_number_;
  std::memset(blocked_, 0, sizeof blocked_);
  const std::size_t cut = leader().value_or(random_.below(kServers));
  const std::uint64_t shape = random_.below(4);
  std::uint64_t sides = random_.next();
  if (shape == 1) sides = std::uint64_t{1} << cut;
  if (shape >= 2) ++counts_.one_way;
  for (std::size_t a = 0; a < kServers; ++a) {
    for (std::size_t b = 0; b < kServers; ++b) {
      const bool apart = ((sides >> a) & 1) != ((sides >> b) & 1);
      switch (shape) {
        case 0:
        case 1:
          blocked_[a][b] = apart;
          break;
        case 2:
          blocked_[a][b] = apart && ((sides >> a) & 1) == 1;
          break;  // one direction only
        case 3:
          blocked_[a][b] = a != b && random_.chance(0.3);
          break;  // any links, any direction
      }
    }
  }
  at(now_ + random_.between(100, 2500) * kMillisecond, Kind::mend, 0, partition_number_);
}

void Cluster::crash_some() {
  const bool everyone = random_.chance(0.25);
  const std::size_t chosen = random_.chance(0.4) ? leader().value_or(0) : random_.below(kServers);
  for (std::size_t i = 0; i < kServers; ++i) {
    if ((!everyone && i != chosen) || !servers_[i].up()) continue;
    ++counts_.restarts;
    crash(i, random_.between(1, random_.chance(0.5) ? 50 : 2000) * kMillisecond);
  }
}

void Cluster::change_membership() {
  const auto current = leader();
  if (!current || servers_[*current].paused) return;
  Server& server = servers_[*current];
  const raft::Configuration configuration = server.core->status().configuration;
  const std::size_t target = random_.below(kServers);
  if (servers_[target].lost) return;
  const raft::Server* member = raft::find(configuration, servers_[target].id);
  raft::MembershipChange change{.id = servers_[target].id, .address = servers_[target].address};
  if (member == nullptr) {
    if (configuration.servers.size() >= 7) return;
    change.kind = random_.chance(0.5) ? raft::Change::add_voter : raft::Change::add_nonvoter;
  } else if (member->suffrage == raft::Suffrage::voter) {
    change.kind = random_.chance(0.5) ? raft::Change::demote_voter : raft::Change::remove_server;
    std::size_t healthy = 0;
    for (const raft::Server& other : configuration.servers) {
      if (other.suffrage == raft::Suffrage::voter && other.id != change.id && !servers_[find(other.id)].lost) ++healthy;
    }
    const std::size_t voters = raft::voters(configuration) - 1;
    if (voters == 0 || healthy < voters / 2 + 1) return;
  } else {
    change.kind = random_.chance(0.8) ? raft::Change::add_voter : raft::Change::remove_server;
  }
  if (server.core->change_membership(change, {}, {}, local(server))) {
    ++counts_.changes;
    note(*current, "changes " + change.id.value + " kind " + std::to_string(static_cast<int>(change.kind)));
  }
  carry_out(*current);
}

bool Cluster::can_spare(std::size_t i) const {
  for (const Server& server : servers_) {
    if (!server.up()) continue;
    const raft::Configuration configuration = server.core->status().configuration;
    if (!raft::is_voter(configuration, servers_[i].id)) continue;
    std::size_t healthy = 0;
    for (const raft::Server& other : configuration.servers) {
      if (other.suffrage == raft::Suffrage::voter && !servers_[find(other.id)].lost) ++healthy;
    }
    if (healthy - 1 < raft::quorum(configuration)) return false;
  }
  return true;
}

// Bits rot on one server. It must notice, name the entry and refuse; the operator replaces it by a new one.
void Cluster::damage() {
  const std::size_t i = random_.below(kServers);
  std::size_t lost = 0;
  for (const Server& server : servers_) lost += server.lost || !server.up() ? 1 : 0;
  Server& server = servers_[i];
  if (!server.up() || lost > 0 || !can_spare(i) || !server.disk.corrupt(random_)) return;
  crash(i, 0);
  // What the crash let through may have cut the damaged entry off.
  const bool damaged = !server.disk.verify();
  counts_.corrupted += damaged ? 1 : 0;
  start(i);
  if (damaged && server.up()) invariants_.fail(server.name + " does not notice damage");
}

void Cluster::replace_lost() {
  const auto current = leader();
  if (!current || servers_[*current].paused) return;
  Server& server = servers_[*current];
  for (const raft::Server& member : server.core->status().configuration.servers) {
    if (!servers_[find(member.id)].lost) continue;
    if (server.core->change_membership({raft::Change::remove_server, member.id, {}}, {}, {}, local(server))) {
      ++counts_.changes;
    }
    return carry_out(*current);
  }
}

void Cluster::heal() {
  partitioned_ = false;
  std::memset(blocked_, 0, sizeof blocked_);
  ++partition_number_;
  loss_ = duplication_ = slow_ = 0;
  for (std::size_t i = 0; i < kServers; ++i) {
    Server& server = servers_[i];
    server.disk.stalled_until = server.disk.full_until = 0;
    if (server.paused) at(now_, Kind::resume, i);
    if (!server.up() && !server.lost) at(now_, Kind::restart, i);
    if (server.disk.running > 0) at(now_, Kind::flushed, i);
  }
}

void Cluster::restore_episode() {
  const auto current = leader();
  if (restore_.stage == Restore::Stage::restoring) {
    for (const Server& server : servers_) {
      if (!server.up() || !current) continue;
      const raft::Server* member = raft::find(servers_[*current].core->status().configuration, server.id);
      if (member != nullptr && server.applied < restore_.index) return;
    }
    for (std::size_t key = 0; key < load_.keys; ++key) history_[restore_.first_operation + key].returned = now_;
    restore_.stage = Restore::Stage::none;
    loss_ = base_loss_;
    duplication_ = base_duplication_;
    slow_ = base_slow_;
    return;
  }
  if (now_ - restore_.since > 6 * kSecond) {
    restore_.stage = Restore::Stage::none;
    return;
  }
  if (now_ - restore_.since < 1500 * kMillisecond || !current) return;  // late messages arrive
  if (servers_[*current].disk.queue.empty() && settled()) begin_restore(*current);
}

void Cluster::begin_restore(std::size_t i) {
  Server& server = servers_[i];
  if (!server.core->restore({random_.below(2) * (server.core->log().last().value + 10)}, local(server))) return;
  FsmState state{.digest = random_.next() | 1};
  restore_.first_operation = history_.size();
  for (std::size_t key = 0; key < load_.keys; ++key) {
    state.registers[key] = random_.next();
    history_.push_back({.kind = Operation::Kind::put,
                        .key = static_cast<std::uint32_t>(key),
                        .value = state.registers[key],
                        .expected = kRestore,
                        .called = now_});
  }
  raft::Effects effects = server.core->take();
  raft::SnapshotMeta meta = *effects.store_user_snapshot;
  invariants_.user_restored(meta.index.value, meta.term.value, state.digest);
  server.disk.keep({meta, std::make_shared<FsmState>(state)});
  const base::Result<raft::LogIndex> index = server.core->user_snapshot_stored(meta, {}, local(server));
  if (!index) return invariants_.fail("restore: " + index.error().detail);
  ++counts_.restores;
  note(i, "restores a user's snapshot at " + std::to_string(meta.index.value));
  restore_.stage = Restore::Stage::restoring;
  restore_.index = index->value;
  carry_out(i);
}

}  // namespace proconsul::simulation
