// The follower's side of the log.
#include <algorithm>

#include "raft/core.h"
#include "raft/planted.h"

namespace proconsul::raft {

namespace {

bool well_formed(const AppendRequest& request) {
  LogIndex next = request.prev_index + 1;
  for (const EntryPtr& entry : request.entries) {
    if (entry->index != next || entry->term > request.term) return false;
    if (holds_configuration(*entry) && !configuration_of(*entry)) return false;
    next = next + 1;
  }
  return true;
}

}  // namespace

void Core::follow(const Message& from, Term term, Instant now) {
  if (term > hard_.term || role_ != Role::follower) become_follower(term, now);
  leader_ = from.peer;
  leader_address_ = from.address;
  heard_leader_ = from.address;
  leader_gone_ = false;
  hurried_ = {};
  elections_lost_ = 0;
  last_contact_ = now;
  be_patient(now);
  announce();
}

void Core::on(const Message& from, const AppendRequest& request, Instant now) {
  const auto refuse = [&](LogIndex look_at, bool at_once) {
    answer(from, AppendResponse{hard_.term, look_at, false, at_once});
  };
  if (request.term < hard_.term) return refuse(log_.last(), false);
  if (role_ == Role::leader && request.term == hard_.term) return refuse(log_.last(), false);  // not a leader of ours
  follow(from, request.term, now);
  if (request.is_heartbeat()) return answer(from, AppendResponse{hard_.term, log_.last(), true, false});

  if (!well_formed(request)) return refuse(log_.last(), false);
  if (pending_bytes_ > options_.max_pending_bytes) return refuse(log_.last(), false);
  if (request.prev_index > log_.last()) return refuse(log_.last(), true);
  const std::optional<Term> prev_term = log_.term_at(request.prev_index);
  if (prev_term && *prev_term != request.prev_term) {
    if (request.prev_index <= commit_) return forked(request.prev_index, *prev_term, request.prev_term);
    return refuse(std::max(commit_, log_.term_start(request.prev_index) - 1), true);
  }

  bool new_configuration = false;
  for (const EntryPtr& entry : request.entries) {
    if (entry->index <= commit_) {
      const std::optional<Term> here = log_.term_at(entry->index);
      if (here && *here != entry->term) return forked(entry->index, *here, entry->term);
      continue;
    }
    if (entry->index <= log_.last()) {
      if (log_.term_at(entry->index) == entry->term || PROCONSUL_RAFT_BUG(truncation_lost)) continue;
      truncate_from(entry->index, now);
    }
    append_entry(entry, now);
    new_configuration = new_configuration || holds_configuration(*entry);
  }
  commit_to(std::min(request.commit, request.prev_index + request.entries.size()), now);
  const AppendResponse done{hard_.term, log_.last(), true, false};
  if (PROCONSUL_RAFT_BUG(ack_before_persistence)) return send(from.peer, from.address, from.call, done);
  answer(from, done, true);
}

// Raft excludes it; a restore that its leader did not finish, or data put back from an old copy, does not. To go on
// would be to serve another history than everybody else.
void Core::forked(LogIndex index, Term here, Term leaders) {
  halt({base::Errc::corrupt, "raft log: committed entry " + std::to_string(index.value) + " is of term " +
                                 std::to_string(here.value) + " here and of term " + std::to_string(leaders.value) +
                                 " on the leader; remove this server's raft data and let it join anew"});
}

void Core::on(const Message& from, const SnapshotRequest& request, Instant now) {
  const auto respond = [&](bool success) { answer(from, SnapshotResponse{hard_.term, success}, success); };
  if (request.term < hard_.term || (role_ == Role::leader && request.term == hard_.term)) return respond(false);
  follow(from, request.term, now);
  if (request.meta.index <= commit_) return respond(true);  // everything in it is here
  // A second stream means that the first one broke: its end is not waited for.
  receiving_ = Receiving{next_token_++, {from.peer, from.address, from.call, {}}, request.term};
  effects_.receive_snapshots.push_back({receiving_->token, from.peer, from.call, request.meta});
}

void Core::snapshot_received(std::uint64_t token, base::Result<SnapshotMeta> meta, Instant now) {
  now_ = std::max(now_, now);
  if (halted_ || !receiving_ || receiving_->token != token) return;
  const Receiving done = std::move(*receiving_);
  receiving_.reset();
  const bool wanted = meta && done.term == hard_.term && role_ == Role::follower;
  if (wanted && meta->index > commit_) adopt_snapshot(*meta, now_);
  if (wanted) be_patient(now_);
  answer(done.request, SnapshotResponse{hard_.term, wanted}, true);
}

}  // namespace proconsul::raft
