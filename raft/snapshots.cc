// The hand-over to the FSM, snapshots, and the log that they replace.
#include <algorithm>

#include "raft/core.h"
#include "raft/planted.h"

namespace proconsul::raft {

std::vector<EntryPtr>& Core::step_entries() {
  if (effects_.fsm.empty()) effects_.fsm.emplace_back();
  return effects_.fsm.back().entries;
}

void Core::hand_to_fsm() {
  while (handed_ < commit_ && fsm_read_ == 0) {
    const LogIndex next = handed_ + 1;
    if (const EntryPtr* entry = log_.cached(next)) {
      step_entries().push_back(*entry);
      handed_ = next;
      continue;
    }
    if (handed_.value >= applied_.value + options_.max_apply_ahead) return;  // until it has applied more
    fsm_read_ = next_token_++;
    effects_.log_reads.push_back({fsm_read_, next, commit_, options_.max_append_bytes});
  }
  log_.evict(std::min(durable_, handed_), options_.cache_bytes);
}

void Core::applied(LogIndex index, Instant now) {
  now_ = std::max(now_, now);
  applied_ = std::max(applied_, index);
  if (!halted_) hand_to_fsm();
}

Configuration Core::configuration_at(LogIndex index, LogIndex& at) const {
  Configuration found;
  at = {};
  if (snapshot_ && snapshot_->index <= index) {
    found = snapshot_->configuration;
    at = snapshot_->configuration_index;
  }
  for (const LogView::Configured& configured : log_.configurations()) {
    if (configured.index > index) break;
    if (configured.index < at) continue;
    found = configured.configuration;
    at = configured.index;
  }
  return found;
}

base::Result<SnapshotMeta> Core::snapshot_meta(LogIndex applied) const {
  const std::optional<Term> term = log_.term_at(applied);
  if (applied.value == 0 || applied > commit_ || !term) {
    return base::Error{base::Errc::not_found, "nothing new to snapshot"};
  }
  SnapshotMeta meta{.index = applied, .term = *term};
  meta.configuration = configuration_at(applied, meta.configuration_index);
  if (PROCONSUL_RAFT_BUG(snapshot_index_wrong) && log_.term_at(applied - 1)) {
    meta.index = applied - 1;
    meta.term = *log_.term_at(applied - 1);
  }
  return meta;
}

void Core::snapshot_stored(base::Result<SnapshotMeta> meta, Instant now) {
  now_ = std::max(now_, now);
  taking_snapshot_ = false;
  if (halted_ || !meta || (snapshot_ && meta->index <= snapshot_->index)) return;
  // A restore or a leader's snapshot may have replaced the log meanwhile.
  if (log_.term_at(meta->index) != meta->term) return;
  snapshot_ = std::move(*meta);
  compact();
}

void Core::compact() {
  const std::uint64_t kept = std::min(options_.snapshots.trailing_logs, log_.last().value);
  const LogIndex up_to = std::min({snapshot_->index, durable_, log_.last() - kept});
  if (up_to < log_.first()) return;
  log_.compact(up_to);
  effects_.compact = up_to;
}

void Core::adopt_snapshot(const SnapshotMeta& meta, Instant now) {
  const bool fits = log_.term_at(meta.index) == meta.term;
  snapshot_ = meta;
  if (!fits) {
    if (log_.first() <= log_.last()) truncate_from(log_.first(), now);
    log_.reset(meta.index, meta.term);
    durable_ = meta.index;
    for (PendingWrite& pending : writes_) pending.last = meta.index;
  }
  commit_ = handed_ = meta.index;
  fsm_read_ = 0;
  effects_.fsm.push_back({meta, {}});
  use_latest_configuration();
  if (fits) compact();
}

base::Result<> Core::restore(LogIndex archive_index, Instant now) {
  now_ = std::max(now_, now);
  if (base::Result<> open = may_write(); !open) return open;
  if (commit_ < term_start_ || configuration_index_ > commit_) {
    return {base::Errc::unavailable, "cannot restore snapshot now, wait until the configuration entry at " +
                                         std::to_string(configuration_index_.value) +
                                         " has been applied (have applied " + std::to_string(commit_.value) + ")"};
  }
  // The hole before this index is what makes every follower ask for the snapshot.
  restoring_ = SnapshotMeta{.index = std::max(log_.last(), archive_index) + 1,
                            .term = hard_.term,
                            .configuration = configuration_,
                            .configuration_index = configuration_index_};
  effects_.store_user_snapshot = restoring_;
  return {};
}

base::Result<LogIndex> Core::user_snapshot_stored(base::Result<SnapshotMeta> meta, base::Time wall, Instant now) {
  now_ = std::max(now_, now);
  if (halted_ || !restoring_ || (meta && meta->index != restoring_->index)) {
    return {base::Errc::internal, "leadership lost while committing log"};
  }
  restoring_.reset();
  if (!meta) return meta.error();
  lose_proposals({base::Errc::internal, "snapshot restored while committing log"});
  adopt_snapshot(*meta, now_);
  for (auto& [id, peer] : peers_) back_to_probe(peer);
  const LogIndex index = log_.last() + 1;
  append_entry(
      std::make_shared<Entry>(Entry{.index = index, .term = hard_.term, .type = EntryType::noop, .appended_at = wall}),
      now_);
  replicate_soon_ = true;
  return index;
}

}  // namespace proconsul::raft
