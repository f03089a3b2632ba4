#include "agent/telemetry/telemetry.h"

#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "agent/http/metrics.h"
#include "agent/http/read_groups.h"
#include "agent/rpc/dispatcher.h"
#include "agent/telemetry/certificate_expiry.h"
#include "agent/telemetry/host_metrics.h"
#include "agent/version.h"

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
  Gauges(const config::Config& config, std::function<void()> more) : more_(std::move(more)) {
    if (config.telemetry.enable_host_metrics) host_ = std::make_unique<HostMetrics>(config.data_dir);
    if (const std::string& file = config.tls.internal_rpc.cert_file; !file.empty()) {
      certificate_ = std::make_unique<CertificateExpiry>(file, config.node_name);
    }
  }

  void read() {
    read_process();
    more_();
    if (host_) host_->read();
    if (certificate_) certificate_->read();
  }

 private:
  void read_process() {
    version_.set(1);
    allocated_.set(static_cast<double>(mallinfo2().uordblks));
    resident_.set(resident_bytes());
    blocking_.set(static_cast<double>(http::blocking_queries() + rpc::blocking_calls()));
  }

  const std::function<void()> more_;
  std::unique_ptr<HostMetrics> host_{};
  std::unique_ptr<CertificateExpiry> certificate_{};
  metrics::Gauge version_ = metrics::gauge(
      "version", metrics::Labels{{"version", std::string(kConsulVersion)}, {"pre_release", std::string()}},
      "1 for the version of the API that runs.");
  metrics::Gauge allocated_ = metrics::gauge("runtime.alloc_bytes", {}, "Bytes that the process has allocated.");
  metrics::Gauge resident_ = metrics::gauge("runtime.sys_bytes", {}, "Bytes that the process has from the system.");
  metrics::Gauge blocking_ = metrics::gauge("rpc.queries_blocking", {}, "Queries that wait for a change now.");
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

Telemetry::Telemetry(const config::Config& config, std::function<void()> more)
    : stop_(metrics::before_show([gauges = std::make_shared<Gauges>(config, std::move(more))] { gauges->read(); })) {
  http::request_metrics();  // those without labels are shown from the start
}

Telemetry::~Telemetry() {
  stop_();
}

}  // namespace proconsul::agent
