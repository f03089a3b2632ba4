// Leadership transfer: bring the target up to date, take no new writes, tell it to campaign.
#include <algorithm>

#include "raft/core.h"

namespace proconsul::raft {

base::Result<> Core::transfer_leadership(const ServerId& target, Instant now) {
  using base::Errc;
  now_ = std::max(now_, now);
  if (halted_ || role_ != Role::leader) return {Errc::not_leader, "node is not the leader"};
  if (transfer_) return {Errc::unavailable, "leadership transfer in progress"};
  if (restoring_) return {Errc::unavailable, "snapshot restore in progress"};
  if (target == id_) return {Errc::invalid_argument, "cannot transfer leadership to itself"};
  const Server* successor = target.value.empty() ? best_successor() : find(configuration_, target);
  if (successor == nullptr || successor->suffrage != Suffrage::voter) return {Errc::not_found, "cannot find peer"};
  transfer_ = Transfer{successor->id, now_ + options_.election_timeout, 0, false};
  advance_transfer(now_);
  return {};
}

const Server* Core::best_successor() const {
  const Server* best = nullptr;
  LogIndex furthest;
  for (const Server& server : configuration_.servers) {
    auto peer = peers_.find(server.id);
    if (server.suffrage != Suffrage::voter || peer == peers_.end()) continue;
    if (now_ - peer->second.heard > options_.leader_lease) continue;
    if (best == nullptr || peer->second.match > furthest) {
      best = &server;
      furthest = peer->second.match;
    }
  }
  return best;
}

void Core::advance_transfer(Instant now) {
  if (!transfer_ || transfer_->call != 0) return;
  auto peer = peers_.find(transfer_->target);
  if (peer == peers_.end()) return end_transfer({base::Errc::not_found, "cannot find peer"});
  if (peer->second.match < log_.last()) {
    replicate_soon_ = true;
    return;
  }
  transfer_->call = next_call_++;
  transfer_->deadline = now + options_.election_timeout;
  no_lease_before_ = now + options_.transfer_grace;
  send(peer->first, peer->second.address, transfer_->call, TimeoutNowRequest{});
}

void Core::end_transfer(base::Result<> result) {
  if (!transfer_->own) effects_.transfer = std::move(result);
  transfer_.reset();
}

}  // namespace proconsul::raft
