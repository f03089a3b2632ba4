#include "agent/telemetry/telemetry.h"

#include <malloc.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "agent/http/metrics.h"
#include "agent/http/read_groups.h"
#include "agent/rpc/dispatcher.h"
#include "agent/server/metrics.h"
#include "agent/telemetry/certificate_expiry.h"
#include "agent/telemetry/host_metrics.h"
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

class Gauges {
 public:
  Gauges(const config::Config& config, server::RaftServer& server) : datacenter_(config.datacenter), server_(server) {
    if (config.telemetry.enable_host_metrics) host_ = std::make_unique<HostMetrics>(config.data_dir);
    if (const std::string& file = config.tls.internal_rpc.cert_file; !file.empty()) {
      certificate_ = std::make_unique<CertificateExpiry>(file, config.node_name);
    }
  }

  void read() {
    read_process();
    read_raft();
    read_usage();
    if (host_) host_->read();
    if (certificate_) certificate_->read();
  }

 private:
  metrics::Gauge of_datacenter(const char* name, const char* help) const {
    return metrics::gauge(name, {{"datacenter", datacenter_}}, help);
  }

  void read_process() {
    version_.set(1);
    allocated_.set(static_cast<double>(mallinfo2().uordblks));
    resident_.set(resident_bytes());
    blocking_.set(static_cast<double>(http::blocking_queries() + rpc::blocking_calls()));
  }

  void read_raft() {
    servers_.set(static_cast<double>(server_.peers().size()));
    clients_.set(0);
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

  void read_usage() {
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

  const std::string datacenter_;
  server::RaftServer& server_;
  std::unique_ptr<HostMetrics> host_{};
  std::unique_ptr<CertificateExpiry> certificate_{};
  metrics::Gauge version_ = metrics::gauge(
      "version", metrics::Labels{{"version", std::string(kConsulVersion)}, {"pre_release", std::string()}},
      "1 for the version of the API that runs.");
  metrics::Gauge allocated_ = metrics::gauge("runtime.alloc_bytes", {}, "Bytes that the process has allocated.");
  metrics::Gauge resident_ = metrics::gauge("runtime.sys_bytes", {}, "Bytes that the process has from the system.");
  metrics::Gauge blocking_ = metrics::gauge("rpc.queries_blocking", {}, "Queries that wait for a change now.");
  metrics::Gauge servers_ = of_datacenter("members.servers", "Server agents that are alive.");
  metrics::Gauge clients_ = of_datacenter("members.clients", "Client agents that are alive.");
  metrics::Gauge applied_ = metrics::gauge("raft.applied_index", {}, "Index of the last log entry applied.");
  metrics::Gauge last_ = metrics::gauge("raft.last_index", {}, "Index of the last log entry.");
  metrics::Gauge is_leader_ = metrics::gauge("server.isLeader", {}, "1 on the leader, else 0.");
  metrics::Gauge sessions_ = metrics::gauge("session_ttl.active", {}, "Sessions whose TTL runs on this server.");
  metrics::Gauge healthy_ = metrics::gauge("autopilot.healthy", {}, "1 if every server is healthy, else 0.");
  metrics::Gauge tolerance_ =
      metrics::gauge("autopilot.failure_tolerance", {}, "Voters that may fail before there is no quorum.");
  metrics::Gauge nodes_ = of_datacenter("state.nodes", "Nodes in the catalog.");
  metrics::Gauge services_ = of_datacenter("state.services", "Distinct service names in the catalog.");
  metrics::Gauge instances_ = of_datacenter("state.service_instances", "Service instances in the catalog.");
  metrics::Gauge billable_ =
      of_datacenter("state.billable_service_instances", "Service instances without those of the mesh and of Consul.");
  metrics::Gauge kv_entries_ = of_datacenter("state.kv_entries", "Keys in the KV store.");
};

}  // namespace

metrics::Options metrics_options(const config::Config& config) {
  const config::Telemetry& telemetry = config.telemetry;
  constexpr std::int64_t kSecond = 1'000'000'000;
  return {.prefix = telemetry.metrics_prefix,
          .host = telemetry.disable_hostname ? "" : host_name(),
          .allow = {telemetry.allowed_prefixes.begin(), telemetry.allowed_prefixes.end()},
          .block = {telemetry.blocked_prefixes.begin(), telemetry.blocked_prefixes.end()},
          .filter_default = telemetry.filter_default,
          .prometheus_retention_seconds = (telemetry.prometheus.expiration.nanoseconds + kSecond - 1) / kSecond};
}

PushOptions push_options(const config::Config& config) {
  const config::Telemetry& telemetry = config.telemetry;
  return {.statsd = telemetry.statsd_addr,
          .statsite = telemetry.statsite_addr,
          .dogstatsd = telemetry.dogstatsd_addr,
          .dogstatsd_tags = {telemetry.dogstatsd_tags.begin(), telemetry.dogstatsd_tags.end()},
          .retry = telemetry.retry_failed_connection};
}

Telemetry::Telemetry(const config::Config& config, server::RaftServer& server)
    : stop_(metrics::before_show([gauges = std::make_shared<Gauges>(config, server)] { gauges->read(); })) {
  // Those without labels are shown from the start.
  http::request_metrics();
  server::server_metrics();
}

Telemetry::~Telemetry() {
  stop_();
}

}  // namespace proconsul::agent
