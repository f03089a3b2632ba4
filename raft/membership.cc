// Membership changes, one at a time, and whom a leader talks to.
#include <algorithm>

#include "raft/core.h"

namespace proconsul::raft {

base::Result<LogIndex> Core::change_membership(const MembershipChange& change, LogIndex previous, base::Time wall,
                                               Instant now) {
  now_ = std::max(now_, now);
  if (base::Result<> open = may_write(); !open) return open.error();
  // Two changes on their way, or one before this term's first commit, can form quorums that do not meet.
  if (commit_ < term_start_ || configuration_index_ > commit_) {
    return {base::Errc::unavailable, "a configuration change is not committed yet"};
  }
  if (previous.value > 0 && previous != configuration_index_) {
    return {base::Errc::conflict, "configuration changed since " + std::to_string(previous.value) + " (latest is " +
                                      std::to_string(configuration_index_.value) + ")"};
  }
  base::Result<Configuration> next = changed(configuration_, change);
  if (!next) return next.error();

  const LogIndex index = log_.last() + 1;
  append_entry(std::make_shared<Entry>(Entry{.index = index,
                                             .term = hard_.term,
                                             .type = EntryType::configuration,
                                             .data = encode(*next),
                                             .appended_at = wall}),
               now_);
  // It may need fewer servers than the one before.
  advance_commit(now_);
  replicate_soon_ = true;
  return index;
}

void Core::track_peers(Instant now) {
  for (auto item = peers_.begin(); item != peers_.end();) {
    auto& [id, peer] = *item;
    const bool stays = find(configuration_, id) != nullptr;
    // The last that it hears: a server that leaves waits for its removal.
    if (!stays && peer.state == Progress::State::replicate) replicate(id, peer, now);
    item = stays ? std::next(item) : peers_.erase(item);
  }
  for (const Server& server : configuration_.servers) {
    if (server.id == id_) continue;
    auto [peer, added] = peers_.try_emplace(server.id);
    if (added) {
      peer->second.next = log_.last() + 1;
      peer->second.heard = now;
      peer->second.heartbeat_at = now;
      peer->second.heard_sent = Instant::min();
      peer->second.retry_at = now;
    }
    peer->second.address = server.address;
    peer->second.voter = server.suffrage == Suffrage::voter;
  }
  replicate_soon_ = true;
}

// Only the latest one can be uncommitted.
Configuration Core::committed_configuration() const {
  if (configuration_index_ <= commit_) return configuration_;
  LogIndex at;
  return configuration_at(configuration_index_ - 1, at);
}

}  // namespace proconsul::raft
