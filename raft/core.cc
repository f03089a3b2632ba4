#include "raft/core.h"

#include <algorithm>
#include <utility>

#include "raft/planted.h"

namespace proconsul::raft {

namespace {

// Answers wait for a stalled disk while requests keep coming; an answer that is dropped is merely a lost message.
constexpr std::size_t kMaxHeld = 1024;

std::size_t bytes_of(const Entry& entry) {
  return sizeof(Entry) + entry.data.size() + entry.extensions.size();
}

}  // namespace

Core::Core(Options options, Start start, Instant now)
    : options_(options),
      id_(std::move(start.id)),
      address_(std::move(start.address)),
      random_state_(start.seed),
      started_(now),
      now_(now),
      hard_(std::move(start.hard_state)),
      log_(std::move(start.log)),
      snapshot_(std::move(start.snapshot)) {
  had_state_ = hard_.term.value > 0;
  if (snapshot_) {
    // A snapshot from the leader becomes durable before the log that it replaces goes.
    const std::optional<Term> here = log_.term_at(snapshot_->index);
    if (log_.last() < snapshot_->index || (here && *here != snapshot_->term)) {
      if (log_.first() <= log_.last()) write(now).truncate_from = log_.first();
      log_.reset(snapshot_->index, snapshot_->term);
      if (!writes_.empty()) writes_.back().last = log_.last();
    }
    commit_ = handed_ = applied_ = snapshot_->index;
    hard_.term = std::max(hard_.term, snapshot_->term);
  }
  hard_.term = std::max(hard_.term, log_.last_term());
  durable_ = log_.last();
  use_latest_configuration();

  be_patient(now);
  if (nobody_else_leads()) election_at_ = now;
  if (voters(configuration_) > 1) no_lease_before_ = now + options_.transfer_grace;
  snapshot_check_at_ = now + spread(options_.snapshots.interval);
}

std::uint64_t Core::random(std::uint64_t bound) {
  random_state_ += 0x9e3779b97f4a7c15;  // splitmix64
  std::uint64_t mixed = random_state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  mixed ^= mixed >> 31;
  return bound == 0 ? 0 : mixed % bound;
}

void Core::tick(Instant now) {
  now_ = std::max(now_, now);
  if (halted_) return;
  if (role_ == Role::leader) {
    tick_leader(now_);
  } else if (now_ >= election_at_) {
    campaign(false, now_);
  }
  if (now_ >= snapshot_check_at_) {
    snapshot_check_at_ = now_ + spread(options_.snapshots.interval);
    const LogIndex base = snapshot_ ? snapshot_->index : LogIndex{};
    if (applied_.value >= base.value + options_.snapshots.threshold) ask_for_snapshot();
  }
}

void Core::ask_for_snapshot() {
  if (std::exchange(taking_snapshot_, true)) return;
  effects_.take_snapshot = true;
}

void Core::reconfigure(const SnapshotOptions& options, Instant now) {
  now_ = std::max(now_, now);
  options_.snapshots = options;
  snapshot_check_at_ = now_ + spread(options.interval);
}

Instant Core::next_tick() const {
  if (halted_) return Instant::max();
  Instant next = snapshot_check_at_;
  if (role_ != Role::leader) return std::min(next, election_at_);

  const Instant lapse = quorum_heard(now_) + options_.leader_lease + Nanoseconds(1);
  if (!peers_.empty() && lapse > now_) next = std::min(next, lapse);
  if (transfer_) next = std::min(next, transfer_->deadline);
  if (!writes_.empty()) {
    const Instant overdue = writes_.front().since + options_.disk_stall + Nanoseconds(1);
    if (overdue > now_) next = std::min(next, overdue);
  }
  for (const auto& [id, peer] : peers_) {
    next = std::min(next, peer.heartbeat_at);
    if (peer.state == Progress::State::snapshot || peer.log_read != 0) continue;  // an answer moves it on
    if (!peer.inflight.empty()) {
      next = std::min(next, peer.inflight.front().sent + options_.request_timeout);
    } else if (peer.next <= log_.last()) {
      next = std::min(next, peer.retry_at);
    } else if (peer.state == Progress::State::probe) {
      next = std::min(next, peer.retry_at);
    } else {
      next = std::min(next, std::max(peer.retry_at, next_empty_append(peer)));
    }
  }
  return next;
}

void Core::receive(Message message, Instant now) {
  now_ = std::max(now_, now);
  if (halted_) return;
  std::visit([&](const auto& body) { on(message, body, now_); }, message.body);
}

void Core::persisted(std::uint64_t write_number, Instant now) {
  now_ = std::max(now_, now);
  if (halted_) return;
  persisted_ = std::max(persisted_, write_number);
  disk_refused_ = false;
  while (!writes_.empty() && writes_.front().number <= persisted_) {
    durable_ = std::max(durable_, writes_.front().last);
    pending_bytes_ -= writes_.front().bytes;
    writes_.pop_front();
  }
  std::erase_if(held_, [&](Held& held) {
    if (held.write > persisted_) return false;
    effects_.messages.push_back(std::move(held.message));
    return true;
  });
  count_own_vote(now_);
  if (role_ == Role::follower && nobody_else_leads() && hard_state_durable()) election_at_ = now_;
  if (role_ == Role::leader) advance_commit(now_);
  log_.evict(std::min(durable_, handed_), options_.cache_bytes);
}

void Core::write_refused(base::Error error, Instant now) {
  now_ = std::max(now_, now);
  if (halted_) return;
  disk_refused_ = true;
  if (role_ != Role::leader) return;
  // The entries may still be written and commit later: for those who wait, the outcome is unknown.
  lose_proposals(std::move(error));
  take_back(now_);
  tick_leader(now_);
}

// A server that is alone can do better: it forgets what was refused, so that a failed write leaves no trace. An index
// and a term name one entry for ever: what was taken back keeps its names, and the next ones get a new term. That must
// be durable before there is an entry of it (may_write), or a crash would let the term begin once more with other
// entries.
void Core::take_back(Instant now) {
  const bool alone = peers_.empty() && self_votes() && voters(configuration_) == 1;
  if (!alone || configuration_index_ > commit_ || commit_ < term_start_ || commit_ >= log_.last()) return;
  truncate_from(commit_ + 1, now);
  ++hard_.term.value;
  hard_.vote_term = hard_.term;
  hard_.voted_for = address_;
  save_hard_state(now);
}

void Core::storage_failed(base::Error error, Instant now) {
  now_ = std::max(now_, now);
  halt(std::move(error));
}

void Core::halt(base::Error error) {
  if (halted_) return;
  become_follower(hard_.term, now_);
  held_.clear();
  effects_.write.reset();
  halted_ = true;
  effects_.halt = std::move(error);
}

StorageWrite& Core::write(Instant now) {
  if (!effects_.write) {
    effects_.write.emplace();
    effects_.write_number = next_write_++;
    writes_.push_back({effects_.write_number, log_.last(), 0, now});
  }
  return *effects_.write;
}

void Core::save_hard_state(Instant now) {
  write(now).hard_state = hard_;
  hard_write_ = last_write();
}

void Core::append_entry(EntryPtr entry, Instant now) {
  const LogIndex index = entry->index;
  const std::size_t bytes = bytes_of(*entry);
  const bool configuration = holds_configuration(*entry);
  StorageWrite& open = write(now);
  if (base::Result<> appended = log_.append(entry); !appended) return halt(appended.error());
  open.entries.push_back(std::move(entry));
  writes_.back().last = index;
  writes_.back().bytes += bytes;
  pending_bytes_ += bytes;
  if (configuration) use_latest_configuration();
}

void Core::truncate_from(LogIndex index, Instant now) {
  StorageWrite& open = write(now);
  const LogIndex opened = open.entries.empty() ? log_.last() + 1 : open.entries.front()->index;
  while (!open.entries.empty() && open.entries.back()->index >= index) open.entries.pop_back();
  if (index < opened) open.truncate_from = std::min(open.truncate_from.value_or(index), index);
  // Writes that are under way carry entries that are gone from this log: they make nothing of it durable.
  for (PendingWrite& pending : writes_) pending.last = std::min(pending.last, index - 1);
  durable_ = std::min(durable_, index - 1);
  log_.truncate_from(index);
  use_latest_configuration();
}

bool Core::disk_stalled(Instant now) const {
  return disk_refused_ || (!writes_.empty() && now - writes_.front().since > options_.disk_stall);
}

void Core::answer(const Message& request, Body body, bool after_entries) {
  const std::uint64_t wait = after_entries ? last_write() : hard_write_;
  Message message{request.peer, request.address, request.call, std::move(body)};
  if (wait <= persisted_) {
    effects_.messages.push_back(std::move(message));
    return;
  }
  if (held_.size() >= kMaxHeld) held_.pop_front();
  held_.push_back({wait, std::move(message)});
}

void Core::send(const ServerId& to, const std::string& address, std::uint64_t call, Body body) {
  effects_.messages.push_back({to, address, call, std::move(body)});
}

void Core::use_latest_configuration() {
  const auto& configured = log_.configurations();
  if (!configured.empty() && (!snapshot_ || configured.back().index > snapshot_->configuration_index)) {
    configuration_ = configured.back().configuration;
    configuration_index_ = configured.back().index;
  } else if (snapshot_) {
    configuration_ = snapshot_->configuration;
    configuration_index_ = snapshot_->configuration_index;
  } else {
    configuration_ = {};
    configuration_index_ = {};
  }
  if (role_ == Role::leader) track_peers(now_);
}

void Core::announce(std::string reason) {
  if (announced_.role == role_ && announced_.term == hard_.term && announced_.leader == leader_ &&
      announced_.leader_address == leader_address_) {
    return;
  }
  announced_ = {role_, hard_.term, leader_, leader_address_, std::move(reason)};
  effects_.roles.push_back(announced_);
}

base::Result<> Core::bootstrap(Configuration configuration, Instant now) {
  now_ = std::max(now_, now);
  if (hard_.term.value != 0 || log_.last().value != 0 || snapshot_) {
    return {base::Errc::conflict, "bootstrap only works on new clusters"};
  }
  if (base::Result<> usable = check(configuration); !usable) return usable;
  hard_.term = {1};
  save_hard_state(now_);
  append_entry(std::make_shared<Entry>(
                   Entry{.index = {1}, .term = {1}, .type = EntryType::configuration, .data = encode(configuration)}),
               now_);
  be_patient(now_);
  if (self_votes()) election_at_ = now_;  // a new cluster has no leader that could be disturbed
  return {};
}

base::Result<LogIndex> Core::propose(EntryType type, std::string data, std::string extensions, base::Time wall,
                                     Instant now) {
  now_ = std::max(now_, now);
  if (base::Result<> open = may_write(); !open) return open.error();
  const LogIndex index = log_.last() + 1;
  append_entry(std::make_shared<Entry>(Entry{.index = index,
                                             .term = hard_.term,
                                             .type = type,
                                             .data = std::move(data),
                                             .extensions = std::move(extensions),
                                             .appended_at = wall}),
               now_);
  replicate_soon_ = true;
  return index;
}

void Core::lose_proposals(base::Error error) {
  if (!effects_.lost) effects_.lost = Effects::Lost{commit_, std::move(error)};
}

base::Result<> Core::may_write() const {
  using base::Errc;
  if (halted_) return {Errc::unavailable, "raft is already shutdown"};
  if (role_ != Role::leader) return {Errc::not_leader, "node is not the leader"};
  if (transfer_) return {Errc::unavailable, "leadership transfer in progress"};
  if (restoring_) return {Errc::unavailable, "snapshot restore in progress"};
  if (disk_refused_ || !hard_state_durable()) return {Errc::unavailable, "the disk of the raft log is full"};
  // Who has nobody to hand over to waits with those that write.
  if (others_vote() && disk_stalled(now_)) return {Errc::unavailable, "the disk of the raft log does not answer"};
  if (pending_bytes_ > options_.max_pending_bytes) return {Errc::unavailable, "too many writes wait for the disk"};
  return {};
}

void Core::request_failed(const ServerId& peer_id, std::uint64_t call, Instant now) {
  now_ = std::max(now_, now);
  if (halted_ || role_ != Role::leader) return;
  if (transfer_ && transfer_->call == call) {
    return end_transfer({base::Errc::unavailable, "failed to make TimeoutNow RPC to " + peer_id.value});
  }
  auto found = peers_.find(peer_id);
  if (found == peers_.end()) return;
  Progress& peer = found->second;
  if (std::erase_if(peer.heartbeats, [&](const Progress::Inflight& sent) { return sent.call == call; }) > 0) return;
  const bool append = std::ranges::find(peer.inflight, call, &Progress::Inflight::call) != peer.inflight.end();
  if (!append && peer.snapshot_call != call) return;
  back_to_probe(peer);
  back_off(peer, now_);
}

Status Core::status() const {
  return {.role = role_,
          .term = hard_.term,
          .leader = leader_,
          .leader_address = leader_address_,
          .last_index = log_.last(),
          .last_term = log_.last_term(),
          .commit = commit_,
          .applied = applied_,
          .snapshot_index = snapshot_ ? snapshot_->index : LogIndex{},
          .snapshot_term = snapshot_ ? snapshot_->term : Term{},
          .configuration = configuration_,
          .configuration_index = configuration_index_,
          .configuration_committed = configuration_index_ <= commit_,
          .last_contact = last_contact_,
          .disk_stalled = disk_stalled(now_),
          .ready = role_ == Role::leader && commit_ >= term_start_};
}

Effects Core::take() {
  if (std::exchange(replicate_soon_, false) && !halted_ && role_ == Role::leader) replicate_all(now_);
  return std::exchange(effects_, {});
}

}  // namespace proconsul::raft
