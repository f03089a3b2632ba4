#include "tests/simulation/cluster.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

namespace proconsul::simulation {

namespace {

// The simulated transport tells apart the lives of a server: an answer to an earlier one finds nobody.
constexpr unsigned kLifeShift = 40;
constexpr std::uint64_t kCallMask = (std::uint64_t{1} << kLifeShift) - 1;

bool is_answer(const raft::Body& body) {
  return body.index() % 2 == 1;
}

Operation decode(const raft::Entry& entry) {
  Operation operation;
  operation.kind = static_cast<Operation::Kind>(entry.data[0]);
  operation.key = static_cast<std::uint8_t>(entry.data[1]);
  std::memcpy(&operation.value, entry.data.data() + 2, 8);
  std::memcpy(&operation.expected, entry.data.data() + 10, 8);
  return operation;
}

}  // namespace

void Counts::add(const Counts& other) {
  auto* mine = reinterpret_cast<std::uint64_t*>(this);
  const auto* theirs = reinterpret_cast<const std::uint64_t*>(&other);
  for (std::size_t i = 0; i < sizeof(Counts) / sizeof(std::uint64_t); ++i) mine[i] += theirs[i];
}

Load Load::crowd(std::size_t clients) {
  constexpr std::size_t kForAKey = 4;  // the checker tries their orders
  return {.clients = clients, .keys = std::clamp<std::size_t>(clients / kForAKey, 4, kMostKeys)};
}

Cluster::Cluster(std::uint64_t seed, Load load, bool trace)
    : random_(seed), trace_(trace), seed_(seed), load_(load), clients_(load.clients) {
  options_.heartbeat_timeout = std::chrono::milliseconds(400);
  options_.election_timeout = std::chrono::milliseconds(400);
  static constexpr int kLeases[] = {200, 360, 400};
  options_.leader_lease = std::chrono::milliseconds(random_.pick(kLeases));
  options_.disk_stall = std::chrono::milliseconds(300);
  options_.request_timeout = std::chrono::milliseconds(1500);
  options_.snapshots.interval = std::chrono::milliseconds(150);
  options_.transfer_grace = std::chrono::milliseconds(1500);
  static constexpr std::uint64_t kThresholds[] = {10, 30, 100};
  options_.snapshots.threshold = random_.pick(kThresholds);
  options_.snapshots.trailing_logs = random_.below(20);
  options_.max_append_entries = random_.chance(0.4) ? 1 : 1 + random_.below(16);
  options_.max_inflight = 1 + random_.below(4);
  options_.cache_bytes = random_.chance(0.5) ? 0 : 4096;
  options_.max_apply_ahead = 64;
  options_.pre_vote = random_.chance(0.9);

  static constexpr double kLoss[] = {0, 0, 0.02, 0.1, 0.25};
  static constexpr double kDuplication[] = {0, 0.05, 0.2};
  static constexpr double kSlow[] = {0, 0.02, 0.1};
  base_loss_ = loss_ = random_.pick(kLoss);
  base_duplication_ = duplication_ = random_.pick(kDuplication);
  base_slow_ = slow_ = random_.pick(kSlow);
  latency_ = random_.between(1, 8) * kMillisecond;
  static constexpr std::int64_t kDiskLatencies[] = {0, 2, 10, 50};
  disk_latency_ = random_.pick(kDiskLatencies) * kMillisecond;
  fsm_latency_ = random_.between(0, 5) * kMillisecond;

  static constexpr std::size_t kSizes[] = {1, 2, 3, 3, 3, 4, 5, 5};
  static constexpr std::int64_t kPaces[] = {60, 150, 400};
  pace_ = random_.pick(kPaces);
  static constexpr double kStrikes[] = {0, 0.2, 0.6};
  strike_ = random_.pick(kStrikes);
  const std::size_t voters = load_.is_crowd() ? static_cast<std::size_t>(random_.between(3, 7)) : random_.pick(kSizes);
  if (load_.is_crowd()) {  // else most of them would wait in vain for a log that takes one entry at a time
    options_.max_append_entries *= 16;
    options_.snapshots.threshold *= 20;
  }
  const bool skewed = random_.chance(0.7);
  if (skewed) counts_.skewed = 1;
  raft::Configuration configuration;
  for (std::size_t i = 0; i < kServers; ++i) {
    Server& server = servers_[i];
    server.name = "s" + std::to_string(i);
    server.id = {server.name};
    server.address = "a" + std::to_string(i);
    // Any two rates differ by at most the declared drift.
    const double side = std::sqrt(1 + options_.clock_drift);
    if (skewed)
      server.rate =
          random_.chance(0.5) ? (random_.chance(0.5) ? side : 1 / side) : 1 / side + random_.unit() * (side - 1 / side);
    server.clock_base = static_cast<std::int64_t>(random_.below(1000)) * kSecond;
    if (i < voters) configuration.servers.push_back({server.id, server.address, raft::Suffrage::voter});
  }
  for (std::size_t i = 0; i < kServers; ++i) {
    start(i);
    if (i >= voters) continue;
    if (!servers_[i].core->bootstrap(configuration, local(servers_[i]))) invariants_.fail("bootstrap was refused");
    carry_out(i);
  }
  for (std::size_t c = 0; c < clients_.size(); ++c) at(random_.between(0, 50) * kMillisecond, Kind::client, c);
  at(random_.between(200, 1500) * kMillisecond, Kind::nemesis);
}

void Cluster::note(std::size_t i, const std::string& what) const {
  if (!trace_) return;
  std::string state;
  if (i < kServers && servers_[i].up()) {
    const raft::Core& core = *servers_[i].core;
    state = "  [term " + std::to_string(core.term().value) + " log " + std::to_string(core.log().first().value) + ".." +
            std::to_string(core.log().last().value) + "/" + std::to_string(core.log().last_term().value) + " commit " +
            std::to_string(core.commit().value) + " applied " + std::to_string(servers_[i].applied) + "]";
  }
  std::fprintf(stderr, "%10.3f ms s%zu %s%s\n", static_cast<double>(now_) / kMillisecond, i, what.c_str(),
               state.c_str());
}

void Cluster::at(std::int64_t time, Kind kind, std::size_t server, std::uint64_t detail) {
  const std::uint32_t life = server < kServers ? servers_[server].life : 0;
  events_.push({time, order_++, kind, static_cast<std::uint16_t>(server), life, detail});
}

raft::Instant Cluster::local(const Server& server) const {
  return raft::Instant(
      raft::Nanoseconds(server.clock_base + static_cast<std::int64_t>(static_cast<double>(now_) * server.rate)));
}

std::int64_t Cluster::global(const Server& server, raft::Instant instant) const {
  if (instant == raft::Instant::max()) return -1;
  const auto nanoseconds = instant.time_since_epoch().count() - server.clock_base;
  return static_cast<std::int64_t>(static_cast<double>(nanoseconds) / server.rate) + 2;
}

void Cluster::loop(std::int64_t until) {
  while (!events_.empty() && events_.top().at <= until) {
    const Event event = events_.top();
    events_.pop();
    now_ = event.at;
    ++counts_.events;
    digest_ = mix(digest_, (static_cast<std::uint64_t>(event.kind) << 56) ^ (std::uint64_t{event.server} << 48) ^
                               static_cast<std::uint64_t>(event.at));
    dispatch(event);
    if (!invariants_.violations().empty()) return;
  }
  now_ = std::max(now_, until);
}

void Cluster::dispatch(const Event& event) {
  switch (event.kind) {  // not of one server
    case Kind::client:
      return client(event.server);
    case Kind::client_timeout:
      return client_timeout(event.server, event.detail);
    case Kind::nemesis:
      return nemesis();
    case Kind::mend:
      if (event.detail != partition_number_) return;
      partitioned_ = false;
      std::memset(blocked_, 0, sizeof blocked_);
      return;
    default:
      break;
  }

  Server& server = servers_[event.server];
  if (event.kind == Kind::deliver && server.paused) {
    server.deferred.push_back(event);
    return;
  }
  if (event.kind == Kind::deliver) return deliver(event.detail);
  if (event.life != server.life) return;
  if (event.kind == Kind::strike) return strike(event.server);
  if (event.kind == Kind::deafen) return deafen(event.server);
  if (event.kind == Kind::restart) {
    if (!server.up() && !server.lost) start(event.server);
    return;
  }
  if (event.kind == Kind::resume) {
    server.paused = false;
    for (std::deque<Event> deferred = std::exchange(server.deferred, {}); const Event& late : deferred) dispatch(late);
    return;
  }
  if (!server.up()) return;
  if (server.paused) {
    server.deferred.push_back(event);
    return;
  }

  raft::Core& core = *server.core;
  switch (event.kind) {
    case Kind::tick:
      if (event.at != server.tick_at) return;  // there is an earlier or later one
      server.tick_at = -1;
      core.tick(local(server));
      carry_out(event.server);
      if (server.up() && server.core->next_tick() <= local(server)) {
        invariants_.fail(server.name + " has a timer that is due again at once");
      }
      return;
    case Kind::flushed:
      if (server.disk.running == 0) return;
      if (server.disk.stalled_until > now_) return at(server.disk.stalled_until, Kind::flushed, event.server);
      core.persisted(server.disk.finish_flush(), local(server));
      break;
    case Kind::flush_retry:
      break;
    case Kind::apply:
      return apply(event.server);
    case Kind::snapshot_taken: {
      StoredSnapshot taken = std::move(*server.taking);
      server.taking.reset();
      if (now_ < server.disk.full_until) {
        core.snapshot_stored(base::Error{base::Errc::unavailable, "disk full"}, local(server));
        break;
      }
      ++counts_.snapshots;
      note(event.server, "took snapshot " + std::to_string(taken.meta.index.value));
      const raft::SnapshotMeta meta = taken.meta;
      server.disk.keep(std::move(taken));
      core.snapshot_stored(meta, local(server));
      break;
    }
    case Kind::snapshot_received: {
      auto received = server.receiving.find(event.detail);
      StoredSnapshot snapshot = std::move(received->second);
      server.receiving.erase(received);
      if (random_.chance(0.05) || now_ < server.disk.full_until) {
        core.snapshot_received(event.detail, base::Error{base::Errc::eof, "the stream broke"}, local(server));
        break;
      }
      ++counts_.installs;
      note(event.server, "received snapshot " + std::to_string(snapshot.meta.index.value));
      const raft::SnapshotMeta meta = snapshot.meta;
      server.disk.keep(std::move(snapshot));
      core.snapshot_received(event.detail, meta, local(server));
      break;
    }
    case Kind::log_read: {
      const raft::LogRead request = log_reads_.extract(event.detail).mapped();
      core.log_read(request.token, server.disk.read(request.first, request.last, request.max_bytes), local(server));
      break;
    }
    case Kind::failed_call:
      core.request_failed(servers_[event.detail >> 56].id, event.detail & kCallMask, local(server));
      break;
    case Kind::peer_gone: {
      const std::size_t peer = event.detail >> 56;
      if (servers_[peer].up() || requests_[peer][event.server] != (event.detail & kCallMask)) return;
      ++counts_.gone;
      core.peer_gone(servers_[peer].id, local(server));
      break;
    }
    default:
      return;
  }
  carry_out(event.server);
}

void Cluster::start(std::size_t i) {
  Server& server = servers_[i];
  if (base::Result<> sound = server.disk.verify(); !sound) {
    server.lost = true;  // it says which entry and stays down
    return;
  }
  raft::Start start{
      .id = server.id, .address = server.address, .hard_state = server.disk.hard_state, .seed = random_.next()};
  server.state = {};
  server.applied = 0;
  if (!server.disk.snapshots.empty()) {
    const StoredSnapshot& newest = server.disk.snapshots.back();
    start.snapshot = newest.meta;
    start.log.set_snapshot(newest.meta.index, newest.meta.term);
    server.state = *newest.state;
    server.applied = newest.meta.index.value;
  }
  if (server.disk.first() <= server.disk.last()) {
    const auto entries = server.disk.read(server.disk.first(), server.disk.last(), ~std::size_t{0});
    for (const raft::EntryPtr& entry : *entries) {
      if (base::Result<> loaded = start.log.load(entry); !loaded) {
        return invariants_.fail(server.name + " cannot load its log: " + loaded.error().detail);
      }
    }
  }
  invariants_.restarted(server.name);
  server.role = raft::Role::follower;
  server.tick_at = -1;
  server.core.emplace(options_, std::move(start), local(server));
  note(i, "starts");
  carry_out(i);
}

void Cluster::crash(std::size_t i, std::int64_t down_for) {
  Server& server = servers_[i];
  if (server.up()) {
    ++counts_.crashes;
    note(i, "crashes");
    counts_.writes_lost += server.disk.queue.size();
    lose_proposals(server, 0);
    for (const auto& [number, read] : server.reads) refused(read.client, read.operation);
    server.reads.clear();
  }
  for (std::size_t other = 0; server.up() && other < kServers; ++other) {
    if (other == i || !servers_[other].up() || blocked_[i][other] || random_.chance(0.3)) continue;
    at(now_ + random_.between(1, 200) * kMillisecond / 10, Kind::peer_gone, other,
       std::uint64_t{i} << 56 | (requests_[i][other] & kCallMask));
  }
  if (server.disk.crash(random_) == Disk::Tail::torn) ++counts_.torn;
  ++server.life;
  server.core.reset();
  server.fsm_queue.clear();
  server.applying = false;
  server.paused = false;
  for (const Event& late : std::exchange(server.deferred, {})) {
    if (late.kind == Kind::deliver) free_envelopes_.push_back(late.detail);
  }
  server.receiving.clear();
  server.taking.reset();
  server.refusal_reported = false;
  if (!server.lost) at(now_ + down_for, Kind::restart, i);
}

void Cluster::flush(std::size_t i) {
  Server& server = servers_[i];
  Disk& disk = server.disk;
  if (disk.running > 0 || disk.queue.empty()) return;
  if (now_ < disk.full_until) {
    if (!server.refusal_reported) {
      server.refusal_reported = true;
      server.core->write_refused({base::Errc::unavailable, "no space left on device"}, local(server));
      at(now_ + 50 * kMillisecond, Kind::flush_retry, i);
    } else {
      at(now_ + 50 * kMillisecond, Kind::flush_retry, i);
    }
    return;
  }
  server.refusal_reported = false;
  disk.running = disk.queue.size();  // group commit
  at(std::max(now_ + disk_latency_ / 2 + random_.between(0, disk_latency_), disk.stalled_until), Kind::flushed, i);
}

void Cluster::carry_out(std::size_t i) {
  Server& server = servers_[i];
  for (;;) {
    raft::Effects effects = server.core->take();
    if (effects.empty()) break;
    for (const raft::RoleChange& change : effects.roles) {
      if (change.role == raft::Role::leader && server.role != raft::Role::leader) {
        ++counts_.elections;
        invariants_.leader_elected(server.name, *server.core);
        if (chaos_ && random_.chance(strike_))
          at(now_ + random_.between(0, random_.chance(0.5) ? 4 : 80) * latency_ / 4, Kind::strike, i);
      }
      server.role = change.role;
      if (trace_)
        note(i, std::string("is ") + "FCL"[static_cast<int>(change.role)] + " of " + change.leader.value + " " +
                    change.reason);
    }
    if (effects.write) {
      invariants_.appended(server.name, *server.core, *effects.write);
      server.disk.queue.push_back({effects.write_number, std::move(*effects.write)});
    }
    for (raft::Message& message : effects.messages) send(i, std::move(message));
    for (const raft::LogRead& read : effects.log_reads) {
      log_reads_[order_] = read;
      at(now_ + random_.between(0, disk_latency_), Kind::log_read, i, order_);
    }
    for (raft::FsmStep& step : effects.fsm) server.fsm_queue.push_back(std::move(step));
    if (effects.lost) lose_proposals(server, effects.lost->above.value);
    for (const raft::ReadAnswer& answer : effects.reads) {
      auto waiting = server.reads.find(answer.read);
      if (waiting == server.reads.end()) continue;
      if (answer.index) {
        waiting->second.index = answer.index->value;
      } else {
        const WaitingRead refusal = waiting->second;
        server.reads.erase(waiting);
        refused(refusal.client, refusal.operation);
      }
    }
    for (const raft::SnapshotReceive& receive : effects.receive_snapshots) {
      server.receiving[receive.token] = {receive.meta, server.incoming};
      at(now_ + random_.between(1, 60) * kMillisecond, Kind::snapshot_received, i, receive.token);
    }
    if (effects.take_snapshot) {
      base::Result<raft::SnapshotMeta> meta = server.core->snapshot_meta({server.applied});
      if (meta) {
        server.taking = StoredSnapshot{*meta, std::make_shared<FsmState>(server.state)};
        at(now_ + random_.between(1, 60) * kMillisecond, Kind::snapshot_taken, i);
      } else {
        server.core->snapshot_stored(meta, local(server));
      }
    }
    if (effects.compact) server.disk.compact(*effects.compact);
    if (effects.halt) {
      if (effects.halt->code != base::Errc::corrupt || server.disk.verify()) {
        invariants_.fail(server.name + " stopped: " + effects.halt->detail);
      }
      server.lost = true;
      return crash(i, 0);
    }
    if (!server.fsm_queue.empty() && !server.applying) {
      server.applying = true;
      at(now_ + random_.between(0, fsm_latency_), Kind::apply, i);
    }
    flush(i);
    serve_reads(server);
  }
  flush(i);
  invariants_.committed(server.name, *server.core);

  const std::int64_t tick_at = std::max(now_ + 1, global(server, server.core->next_tick()));
  if (server.tick_at < 0 || tick_at < server.tick_at) {
    server.tick_at = tick_at;
    at(tick_at, Kind::tick, i);
  }
}

std::size_t Cluster::find(const raft::ServerId& id) const {
  return static_cast<std::size_t>(id.value[1] - '0');  // "s0" to "s8"
}

void Cluster::send(std::size_t from, raft::Message message) {
  ++counts_.messages;
  const std::size_t to = find(message.peer);
  const bool answer = is_answer(message.body);
  std::shared_ptr<const FsmState> snapshot;
  if (auto* request = std::get_if<raft::SnapshotRequest>(&message.body)) {
    for (const StoredSnapshot& stored : servers_[from].disk.snapshots) {
      if (stored.meta.index == request->meta.index && stored.meta.term == request->meta.term) snapshot = stored.state;
    }
    if (!snapshot) return invariants_.fail(servers_[from].name + " sends a snapshot that it does not have");
    at(now_ + 1500 * kMillisecond, Kind::failed_call, from, (to << 56) | message.call);
  }
  const bool lost = blocked_[from][to] || random_.chance(loss_);
  if (lost) {
    ++counts_.lost;
    if (!answer && random_.chance(0.5)) {
      at(now_ + random_.between(50, 600) * kMillisecond, Kind::failed_call, from, (to << 56) | message.call);
    }
    return;
  }
  message.peer = servers_[from].id;
  message.address = servers_[from].address;
  if (!answer) message.call |= std::uint64_t{servers_[from].life} << kLifeShift;
  const int copies = random_.chance(duplication_) ? 2 : 1;
  if (copies == 2) ++counts_.duplicated;
  for (int copy = 0; copy < copies; ++copy) {
    std::uint64_t slot = envelopes_.size();
    if (!free_envelopes_.empty()) {
      slot = free_envelopes_.back();
      free_envelopes_.pop_back();
    } else {
      envelopes_.emplace_back();
    }
    Envelope envelope{static_cast<std::uint8_t>(from), static_cast<std::uint8_t>(to),
                      copy + 1 < copies ? message : std::move(message), snapshot};
    envelopes_[slot] = std::move(envelope);
    std::int64_t delay = latency_ / 2 + random_.between(0, latency_);
    if (random_.chance(slow_)) {
      delay += random_.between(0, 1000) * kMillisecond;
      ++counts_.late;
    }
    at(now_ + delay, Kind::deliver, to, slot);
  }
}

void Cluster::deliver(std::uint64_t slot) {
  Envelope envelope = std::move(envelopes_[slot]);
  free_envelopes_.push_back(slot);
  Server& server = servers_[envelope.to];
  if (!server.up() || blocked_[envelope.from][envelope.to]) return;
  if (is_answer(envelope.message.body)) {
    if (envelope.message.call >> kLifeShift != server.life) return;
    envelope.message.call &= kCallMask;
  } else {
    ++requests_[envelope.from][envelope.to];
  }
  server.incoming = std::move(envelope.snapshot);
  server.core->receive(std::move(envelope.message), local(server));
  carry_out(envelope.to);
}

void Cluster::apply(std::size_t i) {
  Server& server = servers_[i];
  server.applying = false;
  for (std::deque<raft::FsmStep> steps = std::exchange(server.fsm_queue, {}); raft::FsmStep & step : steps) {
    if (step.restore) {
      for (const StoredSnapshot& stored : server.disk.snapshots) {
        if (stored.meta.index == step.restore->index && stored.meta.term == step.restore->term) {
          server.state = *stored.state;
        }
      }
      server.applied = step.restore->index.value;
      invariants_.restored(server.name, server.applied, server.state.digest);
    }
    for (const raft::EntryPtr& entry : step.entries) apply_entry(server, *entry);
  }
  server.core->applied({server.applied}, local(server));
  serve_reads(server);
  carry_out(i);
}

void Cluster::apply_entry(Server& server, const raft::Entry& entry) {
  std::uint64_t result = 0;
  if (entry.type == raft::EntryType::command) {
    const Operation operation = decode(entry);
    server.state.registers[operation.key] = step(server.state.registers[operation.key], operation, result);
    std::uint64_t number = 0;
    std::memcpy(&number, entry.data.data() + 18, 8);
    if (first_applied_.size() < history_.size()) first_applied_.resize(history_.size());
    if (first_applied_[number].at == 0) first_applied_[number] = {now_, result};
  }
  server.state.digest = mix(mix(server.state.digest, entry.index.value), checksum(entry));
  invariants_.applied(server.name, server.applied + 1, entry, server.state.digest);
  server.applied = entry.index.value;

  auto waiting = server.proposals.find(entry.index.value);
  if (waiting == server.proposals.end()) return;
  const Waiting done = waiting->second;
  server.proposals.erase(waiting);
  if (done.term == entry.term.value) {
    finished(done.client, done.operation, result);
  } else {
    abandoned(done.client, done.operation);
  }
}

void Cluster::serve_reads(Server& server) {
  for (auto read = server.reads.begin(); read != server.reads.end();) {
    if (read->second.index == 0 || read->second.index > server.applied) {
      ++read;
      continue;
    }
    const WaitingRead done = read->second;
    read = server.reads.erase(read);
    finished(done.client, done.operation, server.state.registers[history_[done.operation].key]);
  }
}

}  // namespace proconsul::simulation
