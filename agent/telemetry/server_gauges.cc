#include "agent/telemetry/server_gauges.h"

#include <cmath>
#include <utility>

#include "agent/server/metrics.h"
#include "catalog/registry/usage.h"

namespace proconsul::agent {

namespace metrics = base::metrics;

ServerGauges::ServerGauges(const config::Config& config, server::RaftServer& server, Members members)
    : datacenter_(config.datacenter), server_(server), members_(std::move(members)) {
  server::server_metrics();  // those without labels are shown from the start
}

metrics::Gauge ServerGauges::of_datacenter(const char* name, const char* help) const {
  return metrics::gauge(name, {{"datacenter", datacenter_}}, help);
}

void ServerGauges::read() {
  read_members();
  read_raft();
  read_usage();
}

void ServerGauges::read_members() {
  std::size_t servers = 0, clients = 0;
  for (const gossip::serf::MemberPtr& member : members_()) {
    if (member->Status != gossip::serf::MemberStatus::alive) continue;
    const auto role = member->Tags.find("role");
    servers += role != member->Tags.end() && role->second == "consul";
    clients += role != member->Tags.end() && role->second == "node";
  }
  servers_.set(static_cast<double>(servers));
  clients_.set(static_cast<double>(clients));
}

void ServerGauges::read_raft() {
  const server::RaftServer::Gauges raft = server_.gauges();
  applied_.set(static_cast<double>(raft.applied_index));
  last_.set(static_cast<double>(raft.last_index));
  is_leader_.set(raft.leader ? 1 : 0);
  sessions_.set(static_cast<double>(raft.timed_sessions));
  // Only a leader has a view of the others' health.
  const server::Operator::Health health = raft.leader ? server_.health() : server::Operator::Health{};
  healthy_.set(!raft.leader ? std::nan("") : health.healthy() ? 1 : 0);
  tolerance_.set(raft.leader ? health.failure_tolerance() : std::nan(""));
}

void ServerGauges::read_usage() {
  const auto view = server_.view();
  const catalog::ServiceUsage usage = catalog::service_usage(view->tables(), nullptr).usage;
  nodes_.set(static_cast<double>(usage.Nodes));
  services_.set(static_cast<double>(usage.Services));
  instances_.set(static_cast<double>(usage.ServiceInstances));
  billable_.set(static_cast<double>(usage.BillableServiceInstances));
  kv_entries_.set(static_cast<double>(view->tables().kv.size()));
  for (const auto& [kind, count] : usage.ConnectServiceInstances) {
    metrics::gauge("state.connect_instances", {{"datacenter", datacenter_}, {"kind", kind}},
                   "Service instances of the mesh, by kind.")
        .set(static_cast<double>(count));
  }
}

}  // namespace proconsul::agent
