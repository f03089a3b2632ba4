// Who heard us, and when: leases, check-quorum, and reads that a heartbeat round confirms.
#include <algorithm>
#include <functional>

#include "raft/core.h"
#include "raft/planted.h"

namespace proconsul::raft {

namespace {

// The value that a quorum of voters reaches; `own` stands for this server if it votes.
template <class T, class Get>
T quorum_value(const Configuration& configuration, const ServerId& self, const std::map<ServerId, Progress>& peers,
               T own, T none, Get get) {
  std::vector<T> values;
  for (const Server& server : configuration.servers) {
    if (server.suffrage != Suffrage::voter) continue;
    if (server.id == self) {
      values.push_back(own);
    } else {
      auto peer = peers.find(server.id);
      values.push_back(peer == peers.end() ? none : get(peer->second));
    }
  }
  if (values.empty()) return none;
  const auto median = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), median, values.end(), std::greater<>());
  return *median;
}

}  // namespace

std::uint64_t Core::quorum_call() const {
  return quorum_value<std::uint64_t>(configuration_, id_, peers_, next_call_, 0,
                                     [](const Progress& peer) { return peer.heard_call; });
}

Instant Core::quorum_sent(Instant now) const {
  return quorum_value<Instant>(configuration_, id_, peers_, now, Instant::min(),
                               [](const Progress& peer) { return peer.heard_sent; });
}

Instant Core::quorum_heard(Instant now) const {
  return quorum_value<Instant>(configuration_, id_, peers_, now, now, [](const Progress& peer) { return peer.heard; });
}

Instant Core::lease_end(Instant now) const {
  if (halted_ || role_ != Role::leader || commit_ < term_start_ || restoring_) return Instant::min();
  if (PROCONSUL_RAFT_BUG(stale_lease_read)) return Instant::max();
  if (self_votes() && voters(configuration_) == 1) return Instant::max();
  if (transfer_ || now < no_lease_before_) return Instant::min();
  // The promise of a follower lasts for its patience by its clock, which may run faster than ours.
  const auto promised = std::chrono::duration_cast<Nanoseconds>(options_.patience() / (1 + options_.clock_drift));
  const Instant sent = quorum_sent(now);
  return sent != Instant::min() ? sent + std::min(options_.leader_lease, promised) : sent;
}

void Core::read(std::uint64_t read, ReadMode mode, Instant now) {
  now_ = std::max(now_, now);
  if (halted_ || role_ != Role::leader) {
    effects_.reads.push_back({read, base::Error{base::Errc::not_leader, "node is not the leader"}});
    return;
  }
  const bool free = (mode == ReadMode::lease && lease_holds(now_)) || PROCONSUL_RAFT_BUG(read_without_round);
  if (free && commit_ >= term_start_) {
    effects_.reads.push_back({read, commit_});
    return;
  }
  reads_.push_back({read, next_call_});
  answer_reads(now_);
}

void Core::answer_reads(Instant now) {
  if (reads_.empty()) return;
  if (commit_ < term_start_) return;  // what earlier leaders committed is not known yet
  const std::uint64_t confirmed = quorum_call();
  while (!reads_.empty() && reads_.front().mark <= confirmed) {
    effects_.reads.push_back({reads_.front().read, commit_});
    reads_.pop_front();
  }
  if (read_round_ <= confirmed) read_round_ = 0;
  if (reads_.empty() || read_round_ != 0) return;
  // One round for all that wait; what comes during it waits for the next. A lost round is made up by the usual
  // heartbeats.
  read_round_ = next_call_;
  for (auto& [id, peer] : peers_) {
    if (peer.voter) send_heartbeat(id, peer, now);
  }
}

void Core::fail_reads(const base::Error& error) {
  for (const PendingRead& read : reads_) effects_.reads.push_back({read.read, error});
  reads_.clear();
}

}  // namespace proconsul::raft
