#include "agent/telemetry/telemetry.h"

#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "agent/version.h"
#include "base/metrics.h"
#include "catalog/registry/usage.h"
#include "catalog/store/store.h"

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
        nodes(metrics::gauge("state.nodes", {{"datacenter", datacenter}})),
        services(metrics::gauge("state.services", {{"datacenter", datacenter}})),
        instances(metrics::gauge("state.service_instances", {{"datacenter", datacenter}})),
        keys(metrics::gauge("state.kv_entries", {{"datacenter", datacenter}})),
        applied(metrics::gauge("raft.applied_index")),
        leads(metrics::gauge("server.isLeader")) {}

  void read(server::Server& server) const {
    const base::Ref<const catalog::View> view = server.view();
    const catalog::Tables& tables = view->tables();
    const catalog::ServiceUsage usage = catalog::service_usage(tables, nullptr).usage;
    version.set(1);
    allocated.set(static_cast<double>(mallinfo2().uordblks));
    resident.set(resident_bytes());
    servers.set(static_cast<double>(server.peers().size()));
    clients.set(0);
    nodes.set(static_cast<double>(usage.Nodes));
    services.set(static_cast<double>(usage.Services));
    instances.set(static_cast<double>(usage.ServiceInstances));
    keys.set(static_cast<double>(tables.kv.size()));
    applied.set(static_cast<double>(view->applied_index()));
    leads.set(server.leadership().is_leader ? 1 : 0);
  }

  metrics::Gauge version, allocated, resident, servers, clients, nodes, services, instances, keys, applied, leads;
};

}  // namespace

Telemetry::Telemetry(const config::Config& config, server::Server& server) {
  const config::Telemetry& wanted = config.telemetry;
  metrics::configure({.prefix = wanted.metrics_prefix,
                      .host = wanted.disable_hostname ? "" : host_name(),
                      .allow = {wanted.allowed_prefixes.begin(), wanted.allowed_prefixes.end()},
                      .block = {wanted.blocked_prefixes.begin(), wanted.blocked_prefixes.end()},
                      .filter_default = wanted.filter_default,
                      .prometheus_retention_seconds = wanted.prometheus.expiration.nanoseconds / 1'000'000'000});
  stop_ = metrics::before_show([gauges = Gauges(config.datacenter), &server] { gauges.read(server); });
}

Telemetry::~Telemetry() {
  stop_();
}

}  // namespace proconsul::agent
