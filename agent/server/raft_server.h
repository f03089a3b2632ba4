// The replicated server: raft below, the catalog's state machine above, the leader's duties beside them.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/server/leader_clocks.h"
#include "agent/server/leader_duties.h"
#include "agent/server/operator.h"
#include "agent/server/raft_fsm.h"
#include "agent/server/remote_leader.h"
#include "agent/server/server.h"
#include "base/log.h"
#include "catalog/store/store.h"
#include "raft/node.h"

namespace proconsul::agent::server {

class RaftServer final : public Server, public Operator {
 public:
  struct Options {
    raft::NodeOptions raft{};  // its callbacks are set here
    LeaderDuties::Options duties{};
    std::unique_ptr<raft::Transport> transport{};    // null: this server has no peers
    RemoteLeader* remote = nullptr;                  // outlives it; null: nobody else can lead
    base::Duration hold_timeout = base::seconds(7);  // how long a read waits until this server is as far as the leader
  };
  /// Loads the state from disk and starts to take part. Errors name what on disk cannot be trusted, and what to do.
  static base::Result<std::unique_ptr<RaftServer>> start(Options options);
  ~RaftServer() override;
  /// Reads nothing as leader any more: once the server port is closed, others may elect another at once.
  void resign() { resigned_ = true; }
  /// Ends the duties, then raft. What waits for an answer gets Errc::unavailable. Idempotent.
  void stop();

  void apply(std::string command, ApplyDone done) override;
  catalog::ViewPtr view() const override { return store_.view(); }
  base::WatchRegistry& watches() override { return store_.watches(); }
  const catalog::ChangeLog& changes() const override { return store_.changes(); }
  void verify_leader(Done done) override;
  Leadership leadership() const override;
  std::string leader_address() const override;
  std::vector<std::string> peers() const override;
  bool lock_delayed(std::string_view key) const override { return clocks_.lock_delayed(key); }
  void restart_session_timer(const catalog::Session& session) override;
  void renew_session(const std::string& id, Done done) override;
  void stop_session_timer(std::string_view id) override { clocks_.stop_session(id); }

  /// The first configuration of a new cluster. Errc::conflict: this server has been in one before.
  void bootstrap(raft::Configuration configuration, Done done) {
    node_->bootstrap(std::move(configuration), std::move(done));
  }
  /// A log or a snapshot: it has been in a cluster.
  bool has_state() const { return node_->last_index().value != 0; }
  /// Leads, and its state is current.
  bool is_ready() const { return node_->is_ready(); }
  const raft::Node::Leader& raft_leader() const { return node_->leader(); }

  /// Something became of a member of the LAN pool. Any thread; returns at once.
  void member_changed(gossip::serf::MemberPtr member, Fate fate);

  /// Takes effect soon; any thread.
  void reconfigure(const raft::SnapshotOptions& options) { node_->reconfigure(options); }

  void reconfigure(const MassFailureBrake::Settings& brake, const FlapDamping::Settings& damping) {
    duties_->configure(brake, damping);
  }
  void reconfigure(std::vector<catalog::ConfigEntryPtr> config_entries) {
    duties_->configure(std::move(config_entries));
  }

  /// For telemetry.
  struct Gauges {
    std::uint64_t applied_index{}, last_index{};
    bool leader{};
    std::size_t timed_sessions{};
  };
  Gauges gauges() const;

  // For operators: raft_operator.cc.
  Peers raft_peers() override;
  void remove_peer(const std::string& id, Done done) override;
  void transfer_leader(const std::string& id, Done done) override;
  Health health() override;
  void leaders_view_of_health(std::move_only_function<void(base::Result<Health>)> done) override;
  std::map<std::string, std::map<std::string, std::string>> statistics() override;
  void take_snapshot(std::move_only_function<void(base::Result<Operator::Snapshot>)> done) override;
  void restore_snapshot(std::unique_ptr<raft::ByteSource> state, const raft::SnapshotMeta& meta, Done done) override;

 private:
  RaftServer();

  void role_changed(const raft::RoleChange& change);
  struct LeaderWait;
  /// Of what may be told that this is gone.
  struct Life {
    std::mutex mutex{};
    bool over = false;
  };
  void verify_own_lead(Done done);
  void await_leaders_state(Done done);
  void ask_leader(const std::shared_ptr<LeaderWait>& wait);
  void look_after(const std::shared_ptr<LeaderWait>& wait);

  const base::log::Logger log_{"agent.server"};
  const base::log::Logger raft_log_{"agent.server.raft"};
  catalog::Store store_{};
  LeaderClocks clocks_;
  RaftFsm fsm_;
  RemoteLeader* remote_ = nullptr;
  base::Duration hold_timeout_{};
  const std::shared_ptr<Life> life_ = std::make_shared<Life>();
  std::unique_ptr<raft::Transport> transport_{};
  std::unique_ptr<raft::Node> node_{};
  std::mutex duties_lock_{};  // raft reports its first role before the duties exist
  bool leading_ = false;
  base::Time stable_since_{};  // the last change of leadership
  std::unique_ptr<LeaderDuties> duties_{};
  std::atomic<bool> resigned_{false};
};

}  // namespace proconsul::agent::server
