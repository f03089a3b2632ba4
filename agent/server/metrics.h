// What a server counts and times of its commands and duties, under Consul's names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"

namespace proconsul::agent::server {

/// From the proposal to the answer, on the server that was asked.
struct ServerMetrics {
  base::metrics::Sample kvs_apply =
      base::metrics::sample("kvs.apply", {}, "Time that a change of the KV store takes, in milliseconds.");
  base::metrics::Sample txn_apply =
      base::metrics::sample("txn.apply", {}, "Time that a transaction takes, in milliseconds.");
  base::metrics::Sample session_apply =
      base::metrics::sample("session.apply", {}, "Time that a change of a session takes, in milliseconds.");
  base::metrics::Sample prepared_query_apply =
      base::metrics::sample("prepared-query.apply", {}, "Time that a change of a prepared query takes.");
  base::metrics::Sample catalog_register =
      base::metrics::sample("catalog.register", {}, "Time that a registration takes, in milliseconds.");
  base::metrics::Sample catalog_deregister =
      base::metrics::sample("catalog.deregister", {}, "Time that a deregistration takes, in milliseconds.");
  base::metrics::Sample session_expiry =
      base::metrics::sample("session_ttl.invalidate", {}, "Time that ending an expired session takes.");
  base::metrics::Sample barrier =
      base::metrics::sample("leader.barrier", {}, "Time that a new leader waits for what was committed before.");
  base::metrics::Sample reconcile =
      base::metrics::sample("leader.reconcile", {}, "Time that comparing members with the catalog takes.");
  base::metrics::Sample reconcile_member =
      base::metrics::sample("leader.reconcileMember", {}, "Time that comparing one member with the catalog takes.");
  base::metrics::Sample reap_tombstones =
      base::metrics::sample("leader.reapTombstones", {}, "Time that forgetting old tombstones takes.");
  base::metrics::Gauge brake_held =
      base::metrics::gauge("leader.mass_failure_brake.held", {}, "Members whose failure the leader holds back.");
  base::metrics::Gauge flapping =
      base::metrics::gauge("leader.flap_damping.held", {}, "Members that stay critical because they flap.");
  base::metrics::Sample fsm_persist =
      base::metrics::sample("fsm.persist", {}, "Time that writing the state into a snapshot takes.");

  /// The sample of a command by its number in the log; null: it has none.
  const base::metrics::Sample* of_command(std::uint8_t number) const;
};
const ServerMetrics& server_metrics();

/// fsm.*: how long the state machine takes for a command, by operation. One thread at a time.
class CommandTimes {
 public:
  void add(std::uint8_t number, std::string_view operation, std::chrono::steady_clock::time_point begun);

 private:
  struct Row {
    std::uint8_t number;
    std::string operation;
    base::metrics::Sample times;
  };
  std::vector<Row> rows_{};
};

}  // namespace proconsul::agent::server
