#include "agent/telemetry/telemetry.h"

#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "agent/version.h"
#include "base/metrics.h"

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
        clients(metrics::gauge("members.clients", {{"datacenter", datacenter}})) {}

  void read(server::Server& server) const {
    version.set(1);
    allocated.set(static_cast<double>(mallinfo2().uordblks));
    resident.set(resident_bytes());
    servers.set(static_cast<double>(server.peers().size()));
    clients.set(0);
  }

  metrics::Gauge version, allocated, resident, servers, clients;
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
