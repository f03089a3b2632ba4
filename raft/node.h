// A raft server: the pure core, driven. Owns the log thread, the FSM thread, a timer thread, and short-lived threads
// that move snapshots. The core runs as jobs of a strand, on whichever thread brings it news.
//
// Callbacks come once, from any thread of the node or within the call itself, and must be short: post to your own loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "raft/core.h"
#include "raft/doorbell.h"
#include "raft/fsm.h"
#include "raft/fsm_queue.h"
#include "raft/log_thread.h"
#include "raft/recovery.h"
#include "raft/snapshot_store.h"
#include "raft/strand.h"
#include "raft/transport.h"

namespace proconsul::raft {

enum class Severity : std::uint8_t { debug, info, warning, error };

struct NodeOptions {
  ServerId id{};
  std::string address{};    // as it stands in configurations
  std::string directory{};  // holds log/, snapshots/, peers.json, peers.info; empty: all in memory
  std::size_t retained_snapshots = 2;
  Options core{};                                           // scaled by raft_multiplier already
  std::optional<Configuration> bootstrap{};                 // the first configuration if there is no state yet
  OpenStorage open_storage{};                               // tests: another disk than RocksDB's
  std::function<void(Severity, const std::string&)> log{};  // from any thread
  /// Role, term or leader changed; in order, each time from a single thread. Short.
  std::function<void(const RoleChange&)> on_role{};
};

using WhenDone = std::move_only_function<void(base::Result<LogIndex>)>;

class Node final : private TransportHandler {
 public:
  /// Loads what is on disk (see recovery.h for what is refused) and starts. FSM and transport must outlive the node.
  static base::Result<std::unique_ptr<Node>> start(NodeOptions options, Fsm& fsm, Transport& transport);
  ~Node() override;
  /// Refuses what comes from now on with "raft is already shutdown", writes what is queued, ends all threads.
  void stop();

  /// A command; done when it is applied here. Not leader: Errc::not_leader at once. Too much waits: Errc::unavailable.
  void propose(std::string data, WhenApplied done);
  void propose(std::string data, std::string extensions, WhenApplied done);
  /// Done when everything proposed before, by anybody, is applied here.
  void barrier(WhenDone done);
  /// Done when this server has certainly been leader after the call began and has applied what was committed then. All
  /// that wait share one round; a lease or a single voter needs none.
  void verify_leader(ReadMode mode, WhenDone done);
  /// The first configuration of a new cluster; an error if this server has any state. Done when it has begun.
  void bootstrap(Configuration configuration, std::move_only_function<void(base::Result<>)> done);
  /// Done when committed. `previous` 0: whatever the configuration is now; else the index of the one that was looked
  /// at.
  void change_membership(MembershipChange change, LogIndex previous, WhenDone done);
  /// To the most suitable server when empty.
  void transfer_leadership(ServerId target, std::move_only_function<void(base::Result<>)> done);
  /// Takes a snapshot of the FSM now, durable when done.
  void snapshot(std::move_only_function<void(base::Result<SnapshotMeta>)> done);
  /// Replaces the state of the whole cluster by an archive's. Reads the source on a thread of its own.
  void restore(std::unique_ptr<ByteSource> source, const SnapshotMeta& archive, WhenDone done);

  /// Takes effect soon; any thread.
  void reconfigure(const SnapshotOptions& options);

  // Without locks, from any thread; each is a moment's truth.
  bool is_leader() const { return role_.load(std::memory_order_acquire) == Role::leader; }
  Role role() const { return role_.load(std::memory_order_acquire); }
  /// Leader, and an entry of its own term is applied: membership may change.
  bool is_ready() const { return ready_.load(std::memory_order_acquire); }
  /// Ready, no other leader can be, and all that is committed is applied: the state here has every write that anybody
  /// was told of, or was shown by a follower that was faster.
  bool is_current() const;
  Term term() const { return {term_.load(std::memory_order_relaxed)}; }
  LogIndex applied() const { return fsm_queue_->applied(); }
  LogIndex last_index() const { return {last_index_.load(std::memory_order_relaxed)}; }
  struct Leader {
    ServerId id{};
    std::string address{};
  };
  /// Empty when none is known. The reference stays valid as long as the node.
  const Leader& leader() const { return *leader_.load(std::memory_order_acquire); }
  /// Since a leader was last heard, or since this server stopped being one: 0 on the leader, the longest there is if
  /// never.
  base::Duration since_contact() const;
  /// False while the disk refuses writes.
  bool disk_healthy() const { return disk_healthy_.load(std::memory_order_relaxed); }

  /// Calls back once `index` is applied here, at once or on another thread; never if that does not come.
  void when_applied(LogIndex index, WhenDone done) { fsm_queue_->when_applied(index, std::move(done)); }

  /// A consistent picture; may wait a few microseconds for the thread that runs the core.
  Status status();
  Configuration configuration() { return status().configuration; }
  /// Consul's `raft` section of /v1/agent/self and `consul info`.
  std::map<std::string, std::string> stats();
  const SnapshotStore& snapshots() const { return *snapshots_; }
  const NodeOptions& options() const { return options_; }

 private:
  struct Parts;
  Node(NodeOptions options, Fsm& fsm, Transport& transport, Parts parts);

  void receive(Message message) override;
  void request_failed(ServerId peer, std::uint64_t call) override;
  void peer_gone(ServerId peer) override;

  void after_round();
  void carry_out(Effects effects);
  void send(Message message);
  void give_to_fsm(FsmQueue::Work work, bool small);
  void persisted(std::uint64_t number);  // on the log thread
  void fail_waiting_above(LogIndex index, const base::Error& error);
  void wait_for(LogIndex index, WhenApplied done);
  void answer_reads(std::vector<ReadAnswer>& answers);
  void changed_role(const RoleChange& change);
  void begin_snapshot();
  base::Result<SnapshotMeta> persist(std::shared_ptr<FsmSnapshot> state, SnapshotMeta meta);
  void end_snapshot(base::Result<SnapshotMeta> meta);
  void store_received(const SnapshotReceive& receive);
  void store_user_snapshot(SnapshotMeta meta);
  void halt(base::Error error);
  void run_timer();
  void in_background(std::move_only_function<void()> task);
  void say(Severity severity, const std::string& text) const;
  bool refuses();

  const NodeOptions options_;
  Fsm& fsm_;
  Transport& transport_;
  std::unique_ptr<SnapshotStore> snapshots_;

  // Touched by jobs of the strand only.
  Core core_;
  std::deque<FsmQueue::Waiter> waiting_;  // for their entries to commit, by index
  std::unordered_map<std::uint64_t, WhenDone> reading_;
  std::uint64_t next_read_ = 1;
  bool snapshot_running_ = false;
  bool snapshot_asked_by_core_ = false;
  std::vector<std::move_only_function<void(base::Result<SnapshotMeta>)>> want_snapshot_, want_this_snapshot_;
  Instant snapshot_begun_{}, restore_begun_{};
  std::unique_ptr<ByteSource> restore_source_;
  WhenDone restore_done_;
  std::move_only_function<void(base::Result<>)> transfer_done_;
  std::list<Leader> leaders_;           // all that ever were: readers hold references
  std::optional<base::Error> stopped_;  // why nothing is accepted any more
  bool ticked_ = false;                 // in this round
  // Of the log thread: it looks for the work when the strand lets go of it; and there is some.
  bool log_thread_takes_fsm_ = false;
  bool log_thread_has_fsm_ = false;

  std::atomic<Role> role_{Role::follower};
  std::atomic<bool> ready_{false};
  std::atomic<Instant> lease_end_{Instant::min()};
  std::atomic<std::uint64_t> term_{0}, last_index_{0}, committed_{0};
  std::atomic<const Leader*> leader_;
  std::atomic<Instant> last_contact_{Instant::min()};
  std::atomic<bool> disk_healthy_{true};

  std::atomic<Instant> next_tick_{Instant::min()}, armed_{Instant::min()};
  std::atomic<bool> tick_waits_{false};  // from its post to the end of its round
  std::atomic<bool> stopping_{false};
  std::mutex stop_once_;
  Doorbell timer_bell_;
  Strand strand_;
  std::unique_ptr<FsmQueue> fsm_queue_;
  std::unique_ptr<LogThread> log_thread_;
  std::mutex background_lock_;
  struct Background {
    std::thread thread;
    std::shared_ptr<std::atomic<bool>> finished;
  };
  std::list<Background> background_;  // guarded by background_lock_
  std::thread timer_;
  std::function<void()> stop_showing_;  // gauges
};

}  // namespace proconsul::raft
