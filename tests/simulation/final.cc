// The course of a run: chaos, healing, and what must hold at the end.
#include "tests/simulation/cluster.h"

namespace proconsul::simulation {

namespace {

constexpr std::int64_t kChaos = 10 * kSecond;
constexpr std::int64_t kRecovery = 20 * kSecond;

}  // namespace

void Cluster::run() {
  loop(kChaos);
  // An operator's restore is not cut off by the end of the chaos.
  for (int i = 0; restore_.stage == Restore::Stage::restoring && i < 50; ++i) loop(now_ + 200 * kMillisecond);
  chaos_ = false;
  if (violations().empty()) finish();
  digest_ = mix(digest_, history_.size());
  for (const Server& server : servers_) digest_ = mix(mix(digest_, server.state.digest), server.applied);
}

void Cluster::finish() {
  heal();
  const std::int64_t deadline = now_ + kRecovery;
  loop(now_ + 300 * kMillisecond);
  const bool must_recover = expected_to_recover();
  while (violations().empty() && now_ < deadline && !settled()) loop(now_ + 100 * kMillisecond);
  if (!violations().empty()) return;
  if (settled()) {
    loop(now_ + 2 * kSecond);  // clients give up or get their answers
    for (std::size_t key = 0; key < load_.keys && violations().empty(); ++key) read_at_last(key);
  } else if (must_recover) {
    std::string text = "liveness: no progress after healing:";
    for (const Server& server : servers_) {
      if (!server.up()) continue;
      const raft::Status status = server.core->status();
      if (status.configuration.servers.empty()) continue;
      text += "\n    " + server.name + " role " + std::to_string(static_cast<int>(status.role)) + " term " +
              std::to_string(status.term.value) + " last " + std::to_string(status.last_index.value) + "/" +
              std::to_string(status.last_term.value) + " commit " + std::to_string(status.commit.value) + " applied " +
              std::to_string(server.applied) + " snapshot " + std::to_string(status.snapshot_index.value) + " members";
      for (const raft::Server& member : status.configuration.servers) {
        text += " " + member.id.value + (member.suffrage == raft::Suffrage::voter ? "v" : "n");
        if (servers_[find(member.id)].lost) text += "!";
      }
    }
    invariants_.fail(text);
  }
  if (!violations().empty()) return;

  resolve_unknown();
  const Verdict verdict = check(history_);
  counts_.states_searched += verdict.visited;
  if (!verdict.linearizable) {
    invariants_.fail("linearizability: key " + std::to_string(verdict.key) + ": " + verdict.explanation);
  }
}

// What no FSM ever did was not seen by anybody; what one did was done by then. Without this, dozens of writes that a
// cut-off leader took would each double the search.
void Cluster::resolve_unknown() {
  first_applied_.resize(history_.size());
  for (std::size_t i = 0; i < history_.size(); ++i) {
    Operation& operation = history_[i];
    if (operation.returned != Operation::kNever || operation.kind == Operation::Kind::get) continue;
    if (first_applied_[i].at != 0) {
      operation.returned = first_applied_[i].at;
      operation.result = first_applied_[i].result;
    } else if (operation.expected != kRestore) {
      operation.kind = Operation::Kind::get;  // an unanswered read says nothing
    }
  }
}

// A healed cluster answers, though leadership may still move once.
void Cluster::read_at_last(std::size_t key) {
  for (int attempt = 0; attempt < 40 && violations().empty(); ++attempt) {
    const Operation read{.kind = Operation::Kind::get, .key = static_cast<std::uint32_t>(key)};
    const auto current = leader();
    const bool sent = current && submit(key % clients_.size(), *current, read, raft::ReadMode::verified);
    loop(now_ + 200 * kMillisecond);
    if (sent && history_.back().returned != Operation::kNever) return;
    clients_[key % clients_.size()].busy = false;
  }
  if (violations().empty()) invariants_.fail("liveness: a healed cluster does not answer a read");
}

bool Cluster::settled() {
  const auto current = leader();
  if (!current) return false;
  const raft::Status status = servers_[*current].core->status();
  if (!status.ready || !status.configuration_committed || status.commit != status.last_index) return false;
  for (const raft::Server& member : status.configuration.servers) {
    const Server& server = servers_[find(member.id)];
    if (server.lost) continue;
    if (!server.up() || server.core->commit() != status.commit || server.applied != status.commit.value) return false;
  }
  return true;
}

bool Cluster::expected_to_recover() const {
  for (const Server& server : servers_) {
    if (!server.up()) continue;
    const raft::Configuration configuration = server.core->status().configuration;
    if (configuration.servers.empty()) continue;
    std::size_t healthy = 0;
    for (const raft::Server& other : configuration.servers) {
      if (other.suffrage == raft::Suffrage::voter && !servers_[find(other.id)].lost) ++healthy;
    }
    if (healthy < raft::quorum(configuration)) return false;
  }
  return true;
}

}  // namespace proconsul::simulation
