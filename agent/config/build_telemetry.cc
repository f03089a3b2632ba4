#include "agent/config/build_telemetry.h"

#include <string_view>
#include <utility>

#include "base/quote.h"

namespace proconsul::agent::config {
namespace {

// Blocked unless a prefix names it.
constexpr std::string_view kServerCallMetric = "rpc.server.call";

class TelemetryBuilder : SettingsReader {
 public:
  TelemetryBuilder(const SettingsReader& settings, Config& config) : SettingsReader(settings), config_(config) {}

  void run() {
    Telemetry& t = config_.telemetry;
    const auto own = [&](const char* key) { return text("telemetry." + std::string(key)); };
    t.circonus_api_app = own("circonus_api_app");
    t.circonus_api_token = own("circonus_api_token");
    t.circonus_api_url = own("circonus_api_url");
    t.circonus_broker_id = own("circonus_broker_id");
    t.circonus_broker_select_tag = own("circonus_broker_select_tag");
    t.circonus_check_display_name = own("circonus_check_display_name");
    t.circonus_check_force_metric_activation = own("circonus_check_force_metric_activation");
    t.circonus_check_id = own("circonus_check_id");
    t.circonus_check_instance_id = own("circonus_check_instance_id");
    t.circonus_check_search_tag = own("circonus_check_search_tag");
    t.circonus_check_tags = own("circonus_check_tags");
    t.circonus_submission_interval = own("circonus_submission_interval");
    t.circonus_submission_url = own("circonus_submission_url");
    t.disable_hostname = flag("telemetry.disable_hostname");
    t.disable_per_tenancy_usage_metrics = flag("telemetry.disable_per_tenancy_usage_metrics");
    t.dogstatsd_addr = own("dogstatsd_addr");
    t.dogstatsd_tags = texts("telemetry.dogstatsd_tags");
    t.retry_failed_connection = flag("telemetry.retry_failed_connection");
    t.filter_default = flag("telemetry.filter_default");
    t.metrics_prefix = own("metrics_prefix");
    t.statsd_addr = own("statsd_address");
    t.statsite_addr = own("statsite_address");
    t.enable_host_metrics =
        flag("telemetry.enable_host_metrics", config_.server_mode && !config_.cloud.resource_id.empty());
    t.prometheus = {
        .expiration = read_duration("prometheus_retention_time", at("telemetry.prometheus_retention_time"), errors_),
        .name = t.metrics_prefix};

    const std::string server_call = t.metrics_prefix + "." + std::string(kServerCallMetric);
    bool named = false;
    for (const std::string& rule : texts("telemetry.prefix_filter")) {
      if (rule.empty()) {
        warnings_.push_back("Cannot have empty filter rule in prefix_filter");
        continue;
      }
      if (rule[0] != '+' && rule[0] != '-') {
        warnings_.push_back("Filter rule must begin with either '+' or '-': " + base::quote(rule));
        continue;
      }
      std::string prefix = rule.substr(1);
      named = named || prefix == server_call;
      (rule[0] == '+' ? t.allowed_prefixes : t.blocked_prefixes).push_back(std::move(prefix));
    }
    if (!named) t.blocked_prefixes.push_back(server_call);
  }

 private:
  Config& config_;
};

}  // namespace

void build_telemetry(const SettingsReader& settings, Config& config) {
  TelemetryBuilder(settings, config).run();
}

}  // namespace proconsul::agent::config
