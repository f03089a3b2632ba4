// The leader's side of the log: appends, heartbeats, commit.
#include <algorithm>

#include "raft/core.h"
#include "raft/planted.h"

namespace proconsul::raft {

namespace {

constexpr std::size_t kMaxHeartbeatsRemembered = 64;
constexpr Nanoseconds kFirstBackOff = std::chrono::milliseconds(10);
constexpr std::uint32_t kMaxDoublings = 8;
constexpr int kMaxNoops = 64;  // at a time, to get beyond a follower's log

}  // namespace

void Core::replicate_all(Instant now) {
  for (auto& [id, peer] : peers_) {
    replicate(id, peer, now);
    if (role_ != Role::leader) return;  // halted: nobody is tracked any more
  }
}

// Without entries to send: when the commit index moved, and now and then even if not, since a follower that restarted
// between two messages has forgotten it.
Instant Core::next_empty_append(const Progress& peer) const {
  const bool news = peer.commit_told < std::min(commit_, peer.match);
  return peer.last_append + (news ? options_.commit_timeout : options_.heartbeat_timeout);
}

void Core::replicate(const ServerId& id, Progress& peer, Instant now) {
  if (peer.state == Progress::State::snapshot || peer.log_read != 0 || now < peer.retry_at) return;
  for (;;) {
    const bool probing = peer.state == Progress::State::probe;
    if (peer.inflight.size() >= (probing ? 1 : options_.max_inflight)) return;
    const LogIndex prev = peer.next - 1;
    if (peer.log_end.value != 0 || !log_.term_at(prev)) return send_snapshot(id, peer, now);

    std::vector<EntryPtr> entries;
    if (peer.next <= log_.last()) {
      if (!gather(peer, entries)) return;  // they come from disk
    } else if (!probing) {
      if (now < next_empty_append(peer)) return;
    }
    send_append(id, peer, std::move(entries), now);
  }
}

bool Core::gather(Progress& peer, std::vector<EntryPtr>& entries) {
  const LogIndex last = std::min(log_.last(), peer.next + (options_.max_append_entries - 1));
  std::size_t bytes = 0;
  for (LogIndex index = peer.next; index <= last; index = index + 1) {
    const EntryPtr* entry = log_.cached(index);
    if (entry == nullptr) {
      peer.log_read = next_token_++;
      effects_.log_reads.push_back({peer.log_read, peer.next, last, options_.max_append_bytes});
      return false;
    }
    bytes += (*entry)->data.size() + (*entry)->extensions.size();
    if (!entries.empty() && bytes > options_.max_append_bytes) break;
    entries.push_back(*entry);
  }
  return true;
}

void Core::send_append(const ServerId& id, Progress& peer, std::vector<EntryPtr> entries, Instant now) {
  const LogIndex prev = peer.next - 1;
  const LogIndex last = prev + entries.size();
  const std::uint64_t call = next_call_++;
  peer.inflight.push_back({call, prev, last, now});
  peer.last_append = now;
  peer.commit_told = std::min(commit_, last);
  if (peer.state == Progress::State::replicate) peer.next = last + 1;
  send(id, peer.address, call, AppendRequest{hard_.term, prev, *log_.term_at(prev), std::move(entries), commit_});
}

void Core::send_heartbeat(const ServerId& id, Progress& peer, Instant now) {
  const std::uint64_t call = next_call_++;
  if (peer.heartbeats.size() >= kMaxHeartbeatsRemembered) peer.heartbeats.erase(peer.heartbeats.begin());
  peer.heartbeats.push_back({call, {}, {}, now});
  peer.heartbeat_at = now + spread(options_.heartbeat_timeout / 10);
  send(id, peer.address, call, AppendRequest{.term = hard_.term});
}

void Core::send_snapshot(const ServerId& id, Progress& peer, Instant now) {
  if (!snapshot_) return halt({base::Errc::corrupt, "raft log: entries are missing and no snapshot covers them"});
  if (snapshot_->index <= peer.log_end) return await_later_snapshot(peer, now);
  peer.state = Progress::State::snapshot;
  peer.inflight.clear();
  peer.snapshot_call = next_call_++;
  peer.snapshot_index = snapshot_->index;
  peer.snapshot_sent = now;
  send(id, peer.address, peer.snapshot_call, SnapshotRequest{hard_.term, *snapshot_});
}

void Core::await_later_snapshot(Progress& peer, Instant now) {
  for (int made = 0; made < kMaxNoops && log_.last() <= peer.log_end; ++made) {
    append_entry(std::make_shared<Entry>(Entry{.index = log_.last() + 1, .term = hard_.term, .type = EntryType::noop}),
                 now);
    if (halted_) return;
    replicate_soon_ = true;
  }
  if (applied_ > peer.log_end) ask_for_snapshot();
  back_off(peer, now);
}

void Core::back_to_probe(Progress& peer) {
  peer.state = Progress::State::probe;
  peer.inflight.clear();
  peer.snapshot_call = 0;
  peer.next = peer.match + 1;
}

void Core::back_off(Progress& peer, Instant now) {
  peer.retry_at = now + kFirstBackOff * (1 << std::min(peer.failures, kMaxDoublings));
  ++peer.failures;
}

void Core::heard(Progress& peer, std::uint64_t call, Instant sent, Instant now) {
  peer.heard = now;
  if (call > peer.heard_call) {
    peer.heard_call = call;
    peer.heard_sent = sent;
  }
}

void Core::on(const Message& from, const AppendResponse& response, Instant now) {
  if (response.term > hard_.term) return become_follower(response.term, now, "a follower has a newer term");
  if (role_ != Role::leader || response.term != hard_.term) return;
  auto found = peers_.find(from.peer);
  if (found == peers_.end()) return;
  Progress& peer = found->second;

  auto beat = std::ranges::find(peer.heartbeats, from.call, &Progress::Inflight::call);
  if (beat != peer.heartbeats.end()) {
    heard(peer, beat->call, beat->sent, now);
    if (peer.failures > 0) peer.retry_at = now;  // it is back
    peer.heartbeats.erase(beat);
    return answer_reads(now);
  }
  auto request = std::ranges::find(peer.inflight, from.call, &Progress::Inflight::call);
  if (request == peer.inflight.end()) return;
  const Progress::Inflight sent = *request;
  peer.inflight.erase(request);
  heard(peer, sent.call, sent.sent, now);

  if (response.success) {
    peer.match = std::max(peer.match, sent.last);
    peer.next = std::max(peer.next, peer.match + 1);
    peer.state = Progress::State::replicate;
    peer.failures = 0;
    peer.retry_at = now;
    advance_commit(now);
    if (role_ != Role::leader) return;
    advance_transfer(now);
  } else {
    // hashicorp/raft keeps the end of its log in mind when a snapshot replaces that log, and then looks for the entry
    // at the snapshot's end, in vain: only a snapshot from beyond that end gets it on.
    const bool installed = sent.prev == peer.match && sent.prev == peer.snapshot_index;
    if (installed && response.no_retry_backoff && response.last_index >= sent.prev) peer.log_end = response.last_index;
    // Also below the known match: a follower may have lost its disk.
    peer.state = Progress::State::probe;
    peer.inflight.clear();
    peer.next = std::max(LogIndex{1}, std::min(sent.prev, response.last_index + 1));
    if (peer.next <= peer.match) peer.match = peer.next - 1;
    if (!response.no_retry_backoff) back_off(peer, now);
  }
  replicate_soon_ = true;
  answer_reads(now);
}

void Core::on(const Message& from, const SnapshotResponse& response, Instant now) {
  if (response.term > hard_.term) return become_follower(response.term, now, "a follower has a newer term");
  if (role_ != Role::leader || response.term != hard_.term) return;
  auto found = peers_.find(from.peer);
  if (found == peers_.end() || found->second.snapshot_call != from.call) return;
  Progress& peer = found->second;
  heard(peer, from.call, peer.snapshot_sent, now);
  if (response.success) {
    peer.match = std::max(peer.match, peer.snapshot_index);
    peer.failures = 0;
    peer.log_end = {};
  }
  back_to_probe(peer);
  if (!response.success) back_off(peer, now);
  replicate_soon_ = true;
  advance_commit(now);
  if (role_ == Role::leader) answer_reads(now);
}

void Core::log_read(std::uint64_t token, base::Result<std::vector<EntryPtr>> entries, Instant now) {
  now_ = std::max(now_, now);
  if (halted_) return;
  if (token == fsm_read_) {
    fsm_read_ = 0;
    if (!entries) return halt(entries.error());
    for (EntryPtr& entry : *entries) {
      if (entry->index != handed_ + 1 || handed_ >= commit_ || log_.term_at(entry->index) != entry->term) continue;
      handed_ = entry->index;
      step_entries().push_back(std::move(entry));
    }
    return hand_to_fsm();
  }
  for (auto& [id, peer] : peers_) {
    if (peer.log_read != token) continue;
    peer.log_read = 0;
    if (!entries && entries.error().code == base::Errc::corrupt) return halt(entries.error());
    replicate_soon_ = true;
    if (!entries || peer.state == Progress::State::snapshot) return;
    // The log moved on while the disk was read: what does not fit any more is read again.
    std::vector<EntryPtr> fitting;
    for (EntryPtr& entry : *entries) {
      if (entry->index != peer.next + fitting.size() || log_.term_at(entry->index) != entry->term) break;
      fitting.push_back(std::move(entry));
    }
    const std::size_t room = peer.state == Progress::State::probe ? 1 : options_.max_inflight;
    if (fitting.empty() || peer.inflight.size() >= room || !log_.term_at(peer.next - 1)) return;
    return send_append(id, peer, std::move(fitting), now_);
  }
}

void Core::advance_commit(Instant now) {
  const Configuration& counted =
      PROCONSUL_RAFT_BUG(quorum_of_old_membership) ? committed_configuration() : configuration_;
  std::vector<LogIndex> stored;
  for (const Server& server : counted.servers) {
    if (server.suffrage != Suffrage::voter) continue;
    if (server.id == id_) {
      stored.push_back(PROCONSUL_RAFT_BUG(leader_counts_unwritten) ? log_.last() : durable_);
    } else if (auto peer = peers_.find(server.id); peer != peers_.end()) {
      stored.push_back(peer->second.match);
    } else {
      stored.push_back({});
    }
  }
  if (stored.empty()) return;
  const auto median = stored.begin() + static_cast<std::ptrdiff_t>(stored.size() / 2);
  std::nth_element(stored.begin(), median, stored.end(), std::greater<>());
  // Entries of older terms commit only together with one of this term (Raft paper, figure 8).
  if (*median <= commit_) return;
  if (log_.term_at(*median) != hard_.term && !PROCONSUL_RAFT_BUG(old_term_committed)) return;
  commit_to(*median, now);
  if (role_ == Role::leader) answer_reads(now);
}

void Core::commit_to(LogIndex index, Instant now) {
  index = std::min(index, log_.last());
  if (index <= commit_) return;
  commit_ = index;
  hand_to_fsm();
  if (role_ == Role::leader && configuration_index_ <= commit_ && !self_votes()) {
    step_down("no longer a voter", now);
  }
}

void Core::tick_leader(Instant now) {
  const bool lapsed = now - quorum_heard(now) > options_.leader_lease && !PROCONSUL_RAFT_BUG(stale_lease_read);
  if (lapsed) return step_down("a quorum was not heard for the lease", now);

  if (others_vote() && disk_stalled(now) && !transfer_) {
    const Server* successor = best_successor();
    if (successor == nullptr || stall_handled_) return step_down("the disk of the raft log does not answer", now);
    stall_handled_ = true;
    transfer_ = Transfer{successor->id, now + options_.election_timeout, 0, true};
    advance_transfer(now);
  }
  if (!disk_stalled(now)) stall_handled_ = false;
  if (transfer_ && now >= transfer_->deadline) {
    end_transfer({base::Errc::timeout, "leadership transfer timeout"});
    if (stall_handled_ && disk_stalled(now)) return step_down("the disk of the raft log does not answer", now);
  }

  for (auto& [id, peer] : peers_) {
    if (now >= peer.heartbeat_at) send_heartbeat(id, peer, now);
    if (!peer.inflight.empty() && now - peer.inflight.front().sent >= options_.request_timeout) {
      back_to_probe(peer);
      back_off(peer, now);
    }
    replicate(id, peer, now);
    if (role_ != Role::leader) return;
  }
}

}  // namespace proconsul::raft
