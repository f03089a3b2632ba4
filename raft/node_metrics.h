// What a node counts and times, under Consul's names.
#pragma once

#include "base/metrics.h"

namespace proconsul::raft {

struct NodeMetrics {
  base::metrics::Counter apply = base::metrics::counter("raft.apply");
  base::metrics::Counter barrier = base::metrics::counter("raft.barrier");
  base::metrics::Counter verify_leader = base::metrics::counter("raft.verify_leader");
  base::metrics::Counter restore = base::metrics::counter("raft.restore");
  base::metrics::Counter state_leader = base::metrics::counter("raft.state.leader");
  base::metrics::Counter state_candidate = base::metrics::counter("raft.state.candidate");
  base::metrics::Counter state_follower = base::metrics::counter("raft.state.follower");

  base::metrics::Sample commit_time = base::metrics::sample("raft.commitTime");
  base::metrics::Sample dispatch_log = base::metrics::sample("raft.leader.dispatchLog");
  base::metrics::Sample store_logs = base::metrics::sample("raft.rpc.appendEntries.storeLogs");
  base::metrics::Sample fsm_apply = base::metrics::sample("raft.fsm.apply");
  base::metrics::Sample fsm_enqueue = base::metrics::sample("raft.fsm.enqueue");
  base::metrics::Sample fsm_snapshot = base::metrics::sample("raft.fsm.snapshot");
  base::metrics::Sample fsm_restore = base::metrics::sample("raft.fsm.restore");
  base::metrics::Sample compact_logs = base::metrics::sample("raft.compactLogs");
  base::metrics::Sample snapshot_create = base::metrics::sample("raft.snapshot.create");
  base::metrics::Sample snapshot_persist = base::metrics::sample("raft.snapshot.persist");
  base::metrics::Sample snapshot_take = base::metrics::sample("raft.snapshot.takeSnapshot");
  base::metrics::Sample install_snapshot = base::metrics::sample("raft.rpc.installSnapshot");
  base::metrics::Sample restore_user_snapshot = base::metrics::sample("raft.restoreUserSnapshot");

  base::metrics::Sample fsm_saturation = base::metrics::sample("raft.thread.fsm.saturation");
  base::metrics::Sample main_saturation = base::metrics::sample("raft.thread.main.saturation");

  base::metrics::Gauge dispatched = base::metrics::gauge("raft.leader.dispatchNumLogs");
  base::metrics::Gauge committed = base::metrics::gauge("raft.commitNumLogs");
  base::metrics::Gauge peers = base::metrics::gauge("raft.peers");
  base::metrics::Gauge applied_index = base::metrics::gauge("raft.applied_index");
  base::metrics::Gauge last_index = base::metrics::gauge("raft.last_index");
  base::metrics::Gauge oldest_log = base::metrics::gauge(
      "raft.leader.oldestLogAge", {}, "Milliseconds since the oldest log entry that is kept was made.");
  base::metrics::Gauge restore_duration = base::metrics::gauge("raft.fsm.lastRestoreDuration");
};

inline const NodeMetrics& node_metrics() {
  static const NodeMetrics kMetrics;
  return kMetrics;
}

}  // namespace proconsul::raft
