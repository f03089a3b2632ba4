// What is measured of a server when the metrics are shown: raft, the state, the members.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/config/config.h"
#include "agent/server/raft_server.h"
#include "base/metrics.h"
#include "gossip/serf/event.h"

namespace proconsul::agent {

class ServerGauges {
 public:
  using Members = std::function<std::vector<gossip::serf::MemberPtr>()>;
  /// `server` outlives it; `members`: of the LAN, from any thread.
  ServerGauges(const config::Config& config, server::RaftServer& server, Members members);
  /// One thread at a time.
  void read();

 private:
  base::metrics::Gauge of_datacenter(const char* name, const char* help) const;
  void read_members();
  void read_raft();
  void read_usage();

  const std::string datacenter_;
  server::RaftServer& server_;
  const Members members_;
  base::metrics::Gauge servers_ = of_datacenter("members.servers", "Server agents that are alive.");
  base::metrics::Gauge clients_ = of_datacenter("members.clients", "Client agents that are alive.");
  base::metrics::Gauge applied_ =
      base::metrics::gauge("raft.applied_index", {}, "Index of the last log entry applied.");
  base::metrics::Gauge last_ = base::metrics::gauge("raft.last_index", {}, "Index of the last log entry.");
  base::metrics::Gauge is_leader_ = base::metrics::gauge("server.isLeader", {}, "1 on the leader, else 0.");
  base::metrics::Gauge sessions_ =
      base::metrics::gauge("session_ttl.active", {}, "Sessions whose TTL runs on this server.");
  base::metrics::Gauge healthy_ =
      base::metrics::gauge("autopilot.healthy", {}, "1 if every server is healthy, else 0.");
  base::metrics::Gauge tolerance_ =
      base::metrics::gauge("autopilot.failure_tolerance", {}, "Voters that may fail before there is no quorum.");
  base::metrics::Gauge nodes_ = of_datacenter("state.nodes", "Nodes in the catalog.");
  base::metrics::Gauge services_ = of_datacenter("state.services", "Distinct service names in the catalog.");
  base::metrics::Gauge instances_ = of_datacenter("state.service_instances", "Service instances in the catalog.");
  base::metrics::Gauge billable_ =
      of_datacenter("state.billable_service_instances", "Service instances without those of the mesh and of Consul.");
  base::metrics::Gauge kv_entries_ = of_datacenter("state.kv_entries", "Keys in the KV store.");
};

}  // namespace proconsul::agent
