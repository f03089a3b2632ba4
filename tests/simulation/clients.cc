// Clients of a simulated cluster: one operation each at a time, and what became of it.
#include <algorithm>
#include <cstring>

#include "tests/simulation/cluster.h"

namespace proconsul::simulation {

namespace {

std::string encode(const Operation& operation, std::uint64_t number) {
  std::string data(26, '\0');
  data[0] = static_cast<char>(operation.kind);
  data[1] = static_cast<char>(operation.key);
  std::memcpy(data.data() + 2, &operation.value, 8);
  std::memcpy(data.data() + 10, &operation.expected, 8);
  std::memcpy(data.data() + 18, &number, 8);
  return data;
}

}  // namespace

void Cluster::client(std::size_t c) {
  if (clients_[c].busy) return;
  Operation operation{.key = static_cast<std::uint32_t>(random_.below(load_.keys))};
  const std::uint64_t what = random_.below(100);
  operation.kind = what < 50   ? Operation::Kind::get
                   : what < 70 ? Operation::Kind::put
                   : what < 90 ? Operation::Kind::append
                               : Operation::Kind::compare_and_set;
  const raft::ReadMode mode = random_.chance(0.5) ? raft::ReadMode::lease : raft::ReadMode::verified;
  operation.value = mix(seed_, next_value_++);
  operation.expected = last_seen_[operation.key];

  const std::size_t i = random_.chance(0.8) ? some_leader() : random_.below(kServers);
  if (!submit(c, i, operation, mode) && chaos_) {
    at(now_ + random_.between(5, 80) * kMillisecond, Kind::client, c);
  }
}

// The more there are, the longer each waits: together they ask ten times as often as a few at most.
std::int64_t Cluster::pause(std::int64_t least) {
  constexpr std::size_t kEager = 60;
  return random_.between(least, 60) * kMillisecond * static_cast<std::int64_t>(std::max(load_.clients, kEager)) /
         static_cast<std::int64_t>(kEager);
}

// Clients do not know whose leadership is over.
std::size_t Cluster::some_leader() {
  const std::size_t from = random_.below(kServers);
  for (std::size_t i = 0; i < kServers; ++i) {
    const Server& server = servers_[(from + i) % kServers];
    if (server.up() && server.core->role() == raft::Role::leader) return (from + i) % kServers;
  }
  return from;
}

bool Cluster::submit(std::size_t c, std::size_t i, Operation operation, raft::ReadMode mode) {
  Server& server = servers_[i];
  if (!server.up() || server.paused) return false;
  Client& client = clients_[c];
  client.busy = true;
  client.operation = history_.size();
  ++client.attempt;
  operation.called = now_;
  history_.push_back(operation);
  ++counts_.operations;
  at(now_ + random_.between(100, 1000) * kMillisecond, Kind::client_timeout, c, client.attempt);

  if (operation.kind == Operation::Kind::get) {
    const std::uint64_t read = next_read_++;
    server.reads[read] = {0, client.operation, static_cast<int>(c)};
    server.core->read(read, mode, local(server));
  } else {
    const base::Result<raft::LogIndex> index =
        server.core->propose(raft::EntryType::command, encode(operation, client.operation), {}, {}, local(server));
    if (index) {
      server.proposals[index->value] = {server.core->term().value, client.operation, static_cast<int>(c)};
    } else {
      refused(static_cast<int>(c), client.operation);
    }
  }
  carry_out(i);
  return true;
}

void Cluster::finished(int c, std::size_t operation, std::uint64_t result) {
  Client& client = clients_[c];
  if (!client.busy || client.operation != operation) return;  // given up
  Operation& done = history_[operation];
  done.returned = now_;
  done.result = result;
  switch (done.kind) {
    case Operation::Kind::get:
    case Operation::Kind::append:
      last_seen_[done.key] = result;
      break;
    case Operation::Kind::put:
      last_seen_[done.key] = done.value;
      break;
    case Operation::Kind::compare_and_set:
    case Operation::Kind::compare_and_delete:
      if (result == 1) last_seen_[done.key] = done.value;
      break;
  }
  digest_ = mix(digest_, result);
  client.busy = false;
  if (chaos_) at(now_ + pause(1), Kind::client, static_cast<std::size_t>(c));
}

// The outcome is unknown: it stays open in the history.
void Cluster::abandoned(int c, std::size_t operation) {
  Client& client = clients_[c];
  if (!client.busy || client.operation != operation) return;
  ++counts_.unknown;
  client.busy = false;
  if (chaos_) at(now_ + pause(1), Kind::client, static_cast<std::size_t>(c));
}

// It certainly did not happen.
void Cluster::refused(int c, std::size_t operation) {
  Client& client = clients_[c];
  if (!client.busy || client.operation != operation) return;
  history_[operation].kind = Operation::Kind::get;  // an unanswered read says nothing
  client.busy = false;
  if (chaos_) at(now_ + pause(5), Kind::client, static_cast<std::size_t>(c));
}

void Cluster::client_timeout(std::size_t c, std::uint64_t attempt) {
  if (clients_[c].attempt == attempt) abandoned(static_cast<int>(c), clients_[c].operation);
}

void Cluster::lose_proposals(Server& server, std::uint64_t above) {
  for (auto waiting = server.proposals.upper_bound(above); waiting != server.proposals.end();) {
    const Waiting lost = waiting->second;
    waiting = server.proposals.erase(waiting);
    abandoned(lost.client, lost.operation);
  }
}

}  // namespace proconsul::simulation
