// The consensus core: Raft with pre-vote, leases, pipelining, snapshots and transfers, as plain code. Inputs are calls
// with `now`; what they cause gathers in Effects until take(). No socket, thread, clock, disk or random source of its
// own.
//
// The driver's loop: call inputs as things happen, then take() and carry the effects out; call tick() at next_tick().
// A write is carried out in order and reported by persisted(); until then the driver retries it as long as the disk is
// full (reporting write_refused at the first failure), and reports storage_failed for an error that will not pass.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "raft/configuration.h"
#include "raft/effects.h"
#include "raft/log_view.h"
#include "raft/message.h"
#include "raft/options.h"
#include "raft/progress.h"
#include "raft/types.h"

namespace proconsul::raft {

/// What was on disk. Feed every stored entry to `log` in order (LogView::load), after LogView::set_snapshot.
struct Start {
  ServerId id{};
  std::string address{};  // as it stands in configurations
  HardState hard_state{};
  std::optional<SnapshotMeta> snapshot{};  // the newest; the driver has the FSM restored from it before anything else
  LogView log{};
  std::uint64_t seed{};  // for the random timeouts
};

enum class ReadMode : std::uint8_t {
  lease,     // at once while the lease certainly holds, else as verified
  verified,  // after a heartbeat round that a quorum answered
};

struct Status {
  Role role{};
  Term term{};
  ServerId leader{};
  std::string leader_address{};
  LogIndex last_index{};
  Term last_term{};
  LogIndex commit{};
  LogIndex applied{};
  LogIndex snapshot_index{};
  Term snapshot_term{};
  Configuration configuration{};  // the latest, perhaps not committed
  LogIndex configuration_index{};
  bool configuration_committed{};
  std::optional<Instant> last_contact{};  // follower: when the leader was heard
  bool disk_stalled{};
  bool ready{};  // leader with an entry of its own term committed: reads and membership changes may go on
};

class Core {
 public:
  Core(Options options, Start start, Instant now);

  // Time and network.
  void tick(Instant now);
  Instant next_tick() const;
  void receive(Message message, Instant now);
  /// The transport knows that no answer will come to this request of ours.
  void request_failed(const ServerId& peer, std::uint64_t call, Instant now);
  /// The peer's process has certainly ended, and nothing that it sent before is still to come. If it led, its lease is
  /// over, and this server need not wait out a timeout before it campaigns.
  void peer_gone(const ServerId& peer, Instant now);

  // Disk.
  /// All writes up to and including this number are durable.
  void persisted(std::uint64_t write_number, Instant now);
  /// The disk is full: nothing was written, the driver keeps trying. Waiting proposals fail, and others get to lead.
  void write_refused(base::Error error, Instant now);
  /// Fsync failed or bytes are corrupt: the server takes no further part.
  void storage_failed(base::Error error, Instant now);
  void log_read(std::uint64_t token, base::Result<std::vector<EntryPtr>> entries, Instant now);

  // Clients.
  /// The first server of a new cluster: refused unless there is no state at all.
  base::Result<> bootstrap(Configuration configuration, Instant now);
  /// Type command or barrier. The index is where to wait for it in Effects::fsm (or Effects::lost).
  base::Result<LogIndex> propose(EntryType type, std::string data, std::string extensions, base::Time wall,
                                 Instant now);
  /// Answered in Effects::reads.
  void read(std::uint64_t read, ReadMode mode, Instant now);
  /// Whether the leader may answer from its state right now without asking anybody.
  bool lease_holds(Instant now) const { return now < lease_end(now); }
  /// Until when, by what is known now; the beginning of time if it may not. A change of role, a transfer or a change of
  /// the configuration may end it early.
  Instant lease_end(Instant now) const;
  /// `previous` 0: no check; otherwise the index of the configuration that the caller saw.
  base::Result<LogIndex> change_membership(const MembershipChange& change, LogIndex previous, base::Time wall,
                                           Instant now);
  /// To this server, or to the most suitable one when empty. Answered in Effects::transfer.
  base::Result<> transfer_leadership(const ServerId& target, Instant now);

  // FSM and snapshots.
  void applied(LogIndex index, Instant now);
  /// Meta for a snapshot of the FSM as of `applied`; refused while a configuration up to there is not committed.
  base::Result<SnapshotMeta> snapshot_meta(LogIndex applied) const;
  /// Taken and durable (or not): compacts the log.
  void snapshot_stored(base::Result<SnapshotMeta> meta, Instant now);
  void snapshot_received(std::uint64_t token, base::Result<SnapshotMeta> meta, Instant now);
  /// A user's archive replaces everything: effect store_user_snapshot follows. Writes are refused until it ends. For a
  /// healthy cluster only, as with Consul: a leader that dies before the no-op is committed leaves the archive on some
  /// servers alone, and the wire has no way to take it back there.
  base::Result<> restore(LogIndex archive_index, Instant now);
  /// Answer: the index whose application (a no-op) ends the restore.
  base::Result<LogIndex> user_snapshot_stored(base::Result<SnapshotMeta> meta, base::Time wall, Instant now);

  /// Takes effect from now on; the next check for a snapshot comes within twice the new interval.
  void reconfigure(const SnapshotOptions& options, Instant now);

  Status status() const;
  Role role() const { return role_; }
  Term term() const { return hard_.term; }
  LogIndex commit() const { return commit_; }
  /// The entry with which this server's last leadership began.
  LogIndex leads_from() const { return term_start_; }
  const LogView& log() const { return log_; }
  std::optional<Instant> last_contact() const { return last_contact_; }

  /// Everything gathered since the last call.
  Effects take();

 private:
  // core.cc: dispatch, effects, durability.
  std::uint64_t random(std::uint64_t bound);
  Nanoseconds spread(Nanoseconds base) { return base + Nanoseconds(random(static_cast<std::uint64_t>(base.count()))); }
  void halt(base::Error error);
  StorageWrite& write(Instant now);
  void save_hard_state(Instant now);
  void append_entry(EntryPtr entry, Instant now);
  void truncate_from(LogIndex index, Instant now);
  std::uint64_t last_write() const { return next_write_ - 1; }
  bool nobody_else_leads() const;
  bool hard_state_durable() const { return persisted_ >= hard_write_; }
  bool disk_stalled(Instant now) const;
  void answer(const Message& request, Body body, bool after_entries = false);
  void send(const ServerId& to, const std::string& address, std::uint64_t call, Body body);
  void announce(std::string reason = {});
  base::Result<> may_write() const;
  void take_back(Instant now);
  void lose_proposals(base::Error error);
  void use_latest_configuration();
  const Server* self() const { return find(configuration_, id_); }
  bool self_votes() const { return is_voter(configuration_, id_); }
  bool others_vote() const { return voters(configuration_) > (self_votes() ? 1 : 0); }

  // election.cc
  void become_follower(Term term, Instant now, std::string reason = {});
  void become_leader(Instant now);
  void step_down(std::string reason, Instant now);
  void arm_election(Nanoseconds base, Instant now) { election_at_ = now + spread(base); }
  void be_patient(Instant now) {
    if (leader_gone_ && hurried_ > Nanoseconds{}) return arm_election(hurried_, now);
    const Nanoseconds patience = options_.patience();
    election_at_ = now + patience + Nanoseconds(random(static_cast<std::uint64_t>(patience.count() / 2)));
  }
  Nanoseconds next_campaign_in();
  void arm_next_campaign(Instant now);
  bool may_campaign() const;
  void campaign(bool transfer, Instant now);
  void request_votes(Instant now);
  void count_own_vote(Instant now);
  void count_vote(const ServerId& from, bool granted, Instant now);
  bool log_is_current(LogIndex index, Term term) const;
  bool entitled(const ServerId& candidate, LogIndex index, Term term) const;
  bool bound_to_a_leader(const std::string& candidate, Instant now) const;
  void on(const Message& from, const VoteRequest& request, Instant now);
  void on(const Message& from, const VoteResponse& response, Instant now);
  void on(const Message& from, const PreVoteRequest& request, Instant now);
  void on(const Message& from, const PreVoteResponse& response, Instant now);
  void on(const Message& from, const TimeoutNowRequest& request, Instant now);
  void on(const Message& from, const TimeoutNowResponse& response, Instant now);

  // replication.cc: the leader's side.
  void replicate(const ServerId& id, Progress& peer, Instant now);
  void replicate_all(Instant now);
  void send_append(const ServerId& id, Progress& peer, std::vector<EntryPtr> entries, Instant now);
  Instant next_empty_append(const Progress& peer) const;
  bool gather(Progress& peer, std::vector<EntryPtr>& entries);
  void send_heartbeat(const ServerId& id, Progress& peer, Instant now);
  void send_snapshot(const ServerId& id, Progress& peer, Instant now);
  void await_later_snapshot(Progress& peer, Instant now);  // than log_end
  void back_to_probe(Progress& peer);
  void back_off(Progress& peer, Instant now);
  void heard(Progress& peer, std::uint64_t call, Instant sent, Instant now);
  void advance_commit(Instant now);
  void commit_to(LogIndex index, Instant now);
  void tick_leader(Instant now);
  void on(const Message& from, const AppendResponse& response, Instant now);
  void on(const Message& from, const SnapshotResponse& response, Instant now);

  // follower.cc
  void follow(const Message& from, Term term, Instant now);
  void forked(LogIndex index, Term here, Term leaders);
  void on(const Message& from, const AppendRequest& request, Instant now);
  void on(const Message& from, const SnapshotRequest& request, Instant now);

  // reads.cc
  std::uint64_t quorum_call() const;
  Instant quorum_sent(Instant now) const;
  Instant quorum_heard(Instant now) const;
  void answer_reads(Instant now);
  void fail_reads(const base::Error& error);

  // membership.cc
  void track_peers(Instant now);
  Configuration committed_configuration() const;

  // transfer.cc
  const Server* best_successor() const;
  void advance_transfer(Instant now);
  void end_transfer(base::Result<> result);

  // snapshots.cc
  void hand_to_fsm();
  std::vector<EntryPtr>& step_entries();
  void adopt_snapshot(const SnapshotMeta& meta, Instant now);
  void ask_for_snapshot();  // core.cc; once, until it is stored
  void compact();
  Configuration configuration_at(LogIndex index, LogIndex& at) const;

  struct PendingWrite {
    std::uint64_t number{};
    LogIndex last{};  // how much of the present log is durable with it
    std::size_t bytes{};
    Instant since{};
  };
  struct Held {
    std::uint64_t write{};
    Message message{};
  };
  struct PendingRead {
    std::uint64_t read{};
    std::uint64_t mark{};  // calls from this number on were sent after the read arrived
  };
  struct Transfer {
    ServerId target{};
    Instant deadline{};
    std::uint64_t call{};  // of TimeoutNow; 0: not sent yet
    bool own{};            // nobody asked: our disk is stalled
  };
  struct Receiving {
    std::uint64_t token{};
    Message request{};  // header only, for the answer
    Term term{};
  };

  Options options_;
  ServerId id_;
  std::string address_;
  std::uint64_t random_state_;
  Effects effects_{};
  bool halted_ = false;
  Instant started_{};
  Instant now_{};           // of the latest input
  bool had_state_ = false;  // at the start

  // Persistent state (as of the last queued write) and what of it is durable.
  HardState hard_{};
  LogView log_{};
  std::optional<SnapshotMeta> snapshot_{};
  std::deque<PendingWrite> writes_{};
  std::uint64_t next_write_ = 1;
  std::uint64_t persisted_ = 0;
  std::uint64_t hard_write_ = 0;  // the last write with a hard state
  std::size_t pending_bytes_ = 0;
  LogIndex durable_{};  // of the present log
  bool disk_refused_ = false;
  std::deque<Held> held_{};  // messages that wait for a write, in order

  // Volatile state of every server.
  Role role_ = Role::follower;
  ServerId leader_{};
  std::string leader_address_{};
  RoleChange announced_{};
  LogIndex commit_{};
  LogIndex handed_{};  // to the FSM
  LogIndex applied_{};
  std::uint64_t fsm_read_ = 0;
  std::uint64_t next_token_ = 1;
  std::uint64_t next_call_ = 1;
  Configuration configuration_{};
  LogIndex configuration_index_{};
  Instant election_at_{};
  std::optional<Instant> last_contact_{};  // with a leader, and which
  std::string heard_leader_{};
  bool leader_gone_ = false;  // its process has ended since
  Nanoseconds hurried_{};     // > 0: until the next campaign, which is near since the leader is gone
  std::optional<Receiving> receiving_{};
  bool taking_snapshot_ = false;
  Instant snapshot_check_at_{};
  Instant no_lease_before_{};

  // Candidate.
  bool pre_voting_ = false;
  bool transfer_campaign_ = false;
  unsigned elections_lost_ = 0;  // since a leader was heard
  std::vector<ServerId> granted_{};

  // Leader.
  std::map<ServerId, Progress> peers_{};
  bool replicate_soon_ = false;   // once for all inputs until take()
  LogIndex term_start_{};         // the no-op that opened this term
  std::uint64_t read_round_ = 0;  // mark of the heartbeat round under way for reads; 0: none
  std::deque<PendingRead> reads_{};
  std::optional<Transfer> transfer_{};
  std::optional<SnapshotMeta> restoring_{};
  bool stall_handled_ = false;
};

}  // namespace proconsul::raft
