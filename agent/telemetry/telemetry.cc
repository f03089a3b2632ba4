#include "agent/telemetry/telemetry.h"

#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "agent/version.h"
#include "catalog/registry/usage.h"

namespace proconsul::agent {
namespace {

namespace metrics = base::metrics;

std::string host_name() {
  char name[256] = "";
  return gethostname(name, sizeof name - 1) == 0 ? name : "";
}

/// Bytes of this process in memory.
double resident_bytes() {
  long total = 0, resident = 0;
  if (FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%ld %ld", &total, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

struct Gauges {
  explicit Gauges(const std::string& datacenter)
      : version(metrics::gauge(
            "version", metrics::Labels{{"version", std::string(kConsulVersion)}, {"pre_release", std::string()}},
            "Represents the Consul version.")),
        allocated(metrics::gauge("runtime.alloc_bytes")),
        resident(metrics::gauge("runtime.sys_bytes")),
        servers(metrics::gauge("members.servers", {{"datacenter", datacenter}})),
        clients(metrics::gauge("members.clients", {{"datacenter", datacenter}})),
        applied(metrics::gauge("raft.applied_index")),
        last(metrics::gauge("raft.last_index")),
        is_leader(metrics::gauge("server.isLeader")),
        sessions(metrics::gauge("session_ttl.active")),
        nodes(metrics::gauge("state.nodes", {{"datacenter", datacenter}})),
        services(metrics::gauge("state.services", {{"datacenter", datacenter}})),
        instances(metrics::gauge("state.service_instances", {{"datacenter", datacenter}})),
        kv_entries(metrics::gauge("state.kv_entries", {{"datacenter", datacenter}})) {}

  void read(server::RaftServer& server) const {
    version.set(1);
    allocated.set(static_cast<double>(mallinfo2().uordblks));
    resident.set(resident_bytes());
    servers.set(static_cast<double>(server.peers().size()));
    clients.set(0);
    const server::RaftServer::Gauges raft = server.gauges();
    applied.set(static_cast<double>(raft.applied_index));
    last.set(static_cast<double>(raft.last_index));
    is_leader.set(raft.leader ? 1 : 0);
    sessions.set(static_cast<double>(raft.timed_sessions));
    const auto view = server.view();
    const catalog::ServiceUsage usage = catalog::service_usage(view->tables(), nullptr).usage;
    nodes.set(static_cast<double>(usage.Nodes));
    services.set(static_cast<double>(usage.Services));
    instances.set(static_cast<double>(usage.ServiceInstances));
    kv_entries.set(static_cast<double>(view->tables().kv.size()));
  }

  metrics::Gauge version, allocated, resident, servers, clients;
  metrics::Gauge applied, last, is_leader, sessions;
  metrics::Gauge nodes, services, instances, kv_entries;
};

}  // namespace

metrics::Options metrics_options(const config::Config& config) {
  const config::Telemetry& telemetry = config.telemetry;
  return {.prefix = telemetry.metrics_prefix,
          .host = telemetry.disable_hostname ? "" : host_name(),
          .allow = {telemetry.allowed_prefixes.begin(), telemetry.allowed_prefixes.end()},
          .block = {telemetry.blocked_prefixes.begin(), telemetry.blocked_prefixes.end()},
          .filter_default = telemetry.filter_default,
          .prometheus_retention_seconds = telemetry.prometheus.expiration.nanoseconds / 1'000'000'000};
}

Telemetry::Telemetry(const std::string& datacenter, server::RaftServer& server)
    : stop_(metrics::before_show([gauges = Gauges(datacenter), &server] { gauges.read(server); })) {}

Telemetry::~Telemetry() {
  stop_();
}

}  // namespace proconsul::agent
