// Votes, campaigns and changes of role.
#include <algorithm>
#include <utility>

#include "raft/core.h"
#include "raft/planted.h"

namespace proconsul::raft {

namespace {

constexpr Nanoseconds kFirstHurry = std::chrono::milliseconds(20);
constexpr Nanoseconds kTurn = std::chrono::milliseconds(15);  // between the first campaigns of two servers
constexpr unsigned kInStep = 3;                               // elections without a leader, until the next ones part
constexpr std::uint64_t kMostSpread = 4;                      // election timeouts

}  // namespace

void Core::become_follower(Term term, Instant now, std::string reason) {
  const bool led = role_ == Role::leader;
  const bool newer = term > hard_.term;
  if (newer) {
    hard_.term = term;
    save_hard_state(now);
  }
  if (newer || role_ != Role::follower) {
    leader_ = {};
    leader_address_.clear();
  }
  // A newer term alone does not put off a follower's own campaign: whoever brought it may be unable to win.
  if (role_ != Role::follower) be_patient(now);
  role_ = Role::follower;
  pre_voting_ = false;
  transfer_campaign_ = false;
  granted_.clear();
  if (led) {
    peers_.clear();
    restoring_.reset();
    effects_.store_user_snapshot.reset();
    lose_proposals({base::Errc::internal, "leadership lost while committing log"});
    fail_reads({base::Errc::not_leader, "node is not the leader"});
    if (transfer_) end_transfer({});  // that is what it was for
    if (PROCONSUL_RAFT_BUG(applied_twice) && handed_.value > 0 && log_.cached(handed_)) handed_ = handed_ - 1;
  }
  announce(std::move(reason));
}

void Core::step_down(std::string reason, Instant now) {
  become_follower(hard_.term, now, std::move(reason));
}

// A server whose removal is not known to be committed may be the only one that can still commit it (thesis, 4.2.2).
bool Core::may_campaign() const {
  return self_votes() || (configuration_index_ > commit_ && is_voter(committed_configuration(), id_));
}

// The only voter need not wait out a timeout, unless the leader that removed the others still leads, by a lease that
// rests on what this server answered. Whoever voted for itself in the last term that it knows answered nobody since;
// and term 1 is that of the first configuration, in which nobody leads.
bool Core::nobody_else_leads() const {
  if (!self_votes() || voters(configuration_) != 1 || !leader_.value.empty()) return false;
  return hard_.term.value <= 1 || (hard_.vote_term == hard_.term && hard_.voted_for == address_);
}

// Whoever is first by id begins; the others only if that comes to nothing.
void Core::peer_gone(const ServerId& peer, Instant now) {
  now_ = std::max(now_, now);
  const Server* gone = find(configuration_, peer);
  if (halted_ || role_ != Role::follower || !gone || heard_leader_ != gone->address || leader_gone_) return;
  leader_ = {};
  leader_address_.clear();
  leader_gone_ = true;
  const auto before = std::ranges::count_if(configuration_.servers, [&](const Server& server) {
    return server.suffrage == Suffrage::voter && server.id < id_ && server.id != peer;
  });
  hurried_ = kFirstHurry;
  election_at_ = now_ + kTurn * before + Nanoseconds(random(static_cast<std::uint64_t>(kTurn.count() / 4)));
  announce("the leader's process has ended");
}

// An election soon after the leader's end is tried again soon, but ever more slowly: votes may take their time.
Nanoseconds Core::next_campaign_in() {
  if (hurried_ <= Nanoseconds{}) return options_.election_timeout;
  const Nanoseconds next = std::exchange(hurried_, 2 * hurried_);
  if (next < options_.election_timeout) return next;
  hurried_ = {};
  return options_.election_timeout;
}

// Without pre-votes two candidates may keep in step, each with the vote that the other one needs; one of them may be
// unable to win at all. After some elections of that kind the next ones lie so far apart that somebody gets to hold
// two.
void Core::arm_next_campaign(Instant now) {
  arm_election(next_campaign_in(), now);
  if (elections_lost_ < kInStep) return;
  election_at_ += Nanoseconds(random(kMostSpread * static_cast<std::uint64_t>(options_.election_timeout.count())));
}

void Core::campaign(bool transfer, Instant now) {
  arm_next_campaign(now);
  leader_ = {};
  leader_address_.clear();
  // A vote for ourselves could not become durable: leave the field to servers that can lead.
  if (!may_campaign() || disk_stalled(now) || !hard_state_durable()) {
    if (role_ == Role::candidate) role_ = Role::follower;
    pre_voting_ = false;
    return announce();
  }

  role_ = Role::candidate;
  transfer_campaign_ = transfer;
  granted_.clear();
  pre_voting_ = options_.pre_vote && !transfer && others_vote();
  if (!pre_voting_) return request_votes(now);
  announce();
  granted_.push_back(id_);
  for (const Server& server : configuration_.servers) {
    if (server.suffrage != Suffrage::voter || server.id == id_) continue;
    send(server.id, server.address, next_call_++,
         PreVoteRequest{{hard_.term.value + 1}, log_.last(), log_.last_term()});
  }
}

void Core::request_votes(Instant now) {
  pre_voting_ = false;
  granted_.clear();
  ++elections_lost_;  // until it is won
  ++hard_.term.value;
  hard_.vote_term = hard_.term;
  hard_.voted_for = address_;
  save_hard_state(now);
  announce();
  for (const Server& server : configuration_.servers) {
    if (server.suffrage != Suffrage::voter || server.id == id_) continue;
    held_.push_back({hard_write_,
                     {server.id, server.address, next_call_++,
                      VoteRequest{hard_.term, log_.last(), log_.last_term(), transfer_campaign_}}});
  }
}

void Core::count_own_vote(Instant now) {
  if (role_ != Role::candidate || pre_voting_ || !hard_state_durable()) return;
  if (std::ranges::find(granted_, id_) == granted_.end()) count_vote(id_, true, now);
}

void Core::count_vote(const ServerId& from, bool granted, Instant now) {
  if (!granted || !is_voter(configuration_, from) || std::ranges::find(granted_, from) != granted_.end()) return;
  granted_.push_back(from);
  const auto voting = std::ranges::count_if(granted_, [&](const ServerId& id) { return is_voter(configuration_, id); });
  if (static_cast<std::size_t>(voting) < quorum(configuration_)) return;
  if (!pre_voting_) return become_leader(now);
  arm_next_campaign(now);
  request_votes(now);
}

void Core::become_leader(Instant now) {
  role_ = Role::leader;
  leader_ = id_;
  leader_address_ = address_;
  hurried_ = {};
  elections_lost_ = 0;
  granted_.clear();
  transfer_campaign_ = false;
  peers_.clear();
  reads_.clear();
  read_round_ = 0;
  announce();
  term_start_ = log_.last() + 1;
  track_peers(now);
  append_entry(std::make_shared<Entry>(Entry{.index = term_start_, .term = hard_.term, .type = EntryType::noop}), now);
  replicate_soon_ = true;
}

bool Core::log_is_current(LogIndex index, Term term) const {
  if (PROCONSUL_RAFT_BUG(vote_for_stale_log)) return true;
  if (term != log_.last_term()) return term > log_.last_term();
  return index >= log_.last();
}

// A stranger or nonvoter must not disturb, but one whose log is ahead of ours may have become a voter by an entry that
// we lack, and may need our vote.
bool Core::entitled(const ServerId& candidate, LogIndex index, Term term) const {
  if (configuration_.servers.empty() || is_voter(configuration_, candidate)) return true;
  return term > log_.last_term() || (term == log_.last_term() && index > log_.last());
}

// A leader's lease rests on this: whoever answered it will elect nobody else for a heartbeat timeout, not even after a
// restart that made it forget the answer or after its term moved on.
bool Core::bound_to_a_leader(const std::string& candidate, Instant now) const {
  if (!leader_address_.empty() && leader_address_ != candidate) return true;
  if (last_contact_ && !leader_gone_ && heard_leader_ != candidate && now - *last_contact_ < options_.patience()) {
    return true;
  }
  const auto guard = std::chrono::duration_cast<Nanoseconds>(options_.leader_lease * (1 + options_.clock_drift));
  return had_state_ && now - started_ < guard && voters(configuration_) > 1;
}

void Core::on(const Message& from, const VoteRequest& request, Instant now) {
  const bool doubtful = !entitled(from.peer, request.last_index, request.last_term);
  const auto refuse = [&] { answer(from, VoteResponse{hard_.term, false}); };
  if (doubtful && find(configuration_, from.peer) == nullptr) return refuse();
  if (!request.leadership_transfer && bound_to_a_leader(from.address, now)) return refuse();
  if (request.term < hard_.term) return refuse();
  if (request.term > hard_.term) become_follower(request.term, now);
  // It was a voter once; its term had to be taken over so that it can follow again.
  if (doubtful) return refuse();
  if (hard_.vote_term == request.term && !hard_.voted_for.empty() && !PROCONSUL_RAFT_BUG(vote_granted_twice)) {
    return answer(from, VoteResponse{hard_.term, hard_.voted_for == from.address});
  }
  if (!log_is_current(request.last_index, request.last_term)) return refuse();

  hard_.vote_term = request.term;
  hard_.voted_for = from.address;
  if (PROCONSUL_RAFT_BUG(vote_not_persisted)) {
    return send(from.peer, from.address, from.call, VoteResponse{hard_.term, true});
  }
  save_hard_state(now);
  be_patient(now);
  answer(from, VoteResponse{hard_.term, true});
}

void Core::on(const Message& from, const VoteResponse& response, Instant now) {
  if (response.term > hard_.term) return become_follower(response.term, now, "a voter has a newer term");
  if (role_ != Role::candidate || pre_voting_ || response.term != hard_.term) return;
  count_vote(from.peer, response.granted, now);
}

// Changes nothing here: a server that cannot win must not disturb.
void Core::on(const Message& from, const PreVoteRequest& request, Instant now) {
  PreVoteResponse response{hard_.term, false};
  const bool doubtful = !entitled(from.peer, request.last_index, request.last_term);
  if (doubtful && find(configuration_, from.peer) == nullptr) return answer(from, response);
  if (bound_to_a_leader(from.address, now) || request.term < hard_.term) return answer(from, response);
  response.term = request.term;
  response.granted = !doubtful && log_is_current(request.last_index, request.last_term);
  answer(from, response);
}

void Core::on(const Message& from, const PreVoteResponse& response, Instant now) {
  if (response.term.value > hard_.term.value + 1) {
    return become_follower(response.term, now, "a voter has a newer term");
  }
  if (role_ != Role::candidate || !pre_voting_ || response.term.value != hard_.term.value + 1) return;
  count_vote(from.peer, response.granted, now);
}

// Only of our own leader: the message has no term, and an old one must not unseat another leader.
void Core::on(const Message& from, const TimeoutNowRequest&, Instant now) {
  answer(from, TimeoutNowResponse{});
  if (role_ == Role::leader || !may_campaign()) return;
  if (leader_address_ != from.address) return;
  campaign(true, now);
}

void Core::on(const Message&, const TimeoutNowResponse&, Instant) {}

}  // namespace proconsul::raft
