// service-defaults and proxy-defaults.
#include <arpa/inet.h>

#include <set>

#include "base/json.h"
#include "base/quote.h"
#include "catalog/config_entry/rules.h"
#include "catalog/types/config_services.h"

namespace proconsul::catalog::rules {

using base::Result;

namespace {

std::string number(base::Int value) {
  return std::to_string(static_cast<std::int64_t>(value));
}

bool is_balance(const std::string& word) {
  return word.empty() || word == "exact_balance";
}

bool is_address(const std::string& address) {
  unsigned char bytes[16];
  if (inet_pton(AF_INET, address.c_str(), bytes) == 1 || inet_pton(AF_INET6, address.c_str(), bytes) == 1) return true;
  return is_domain_name(address) && address.find('*') == std::string::npos;
}

Result<> check_health(const PassiveHealthCheck& check) {
  const std::string what = "passive health check ";
  const std::string percentage = " must be a percentage between 0 and 100";
  if (check.Interval < base::Duration{}) return wrong(what + "interval cannot be negative");
  if (check.EnforcingConsecutive5xx && *check.EnforcingConsecutive5xx > 100) {
    return wrong(what + "enforcing_consecutive_5xx" + percentage);
  }
  if (check.MaxEjectionPercent && *check.MaxEjectionPercent > 100) {
    return wrong(what + "max_ejection_percent" + percentage);
  }
  if (check.BaseEjectionTime && *check.BaseEjectionTime < base::Duration{}) {
    return wrong(what + "base_ejection_time cannot be negative");
  }
  return {};
}

Result<> check_limits(const UpstreamLimits& limits) {
  const auto negative = [](const base::Pointer<base::Int>& value) { return value && *value < 0; };
  if (negative(limits.MaxConnections)) return wrong("max connections cannot be negative");
  if (negative(limits.MaxPendingRequests)) return wrong("max pending requests cannot be negative");
  if (negative(limits.MaxConcurrentRequests)) return wrong("max concurrent requests cannot be negative");
  return {};
}

Result<> check_upstream(const UpstreamConfig& config, bool named) {
  if (named) {
    if (config.Name.empty()) return wrong("Name is required");
    if (config.Name == "*") return wrong("Wildcard name is not supported");
  } else if (!config.Name.empty()) {
    return wrong("Name must be empty");
  }
  Faults faults;
  if (config.PassiveHealthCheck) faults.add(check_health(*config.PassiveHealthCheck));
  if (config.Limits) faults.add(check_limits(*config.Limits));
  if (!is_balance(config.BalanceOutboundConnections)) {
    faults.add("invalid value for balance_outbound_connections: " + config.BalanceOutboundConnections);
  }
  return faults.result();
}

void check_upstreams(const UpstreamConfiguration& upstreams, Faults& faults) {
  for (const auto& config : upstreams.Overrides) {
    if (!config) continue;
    Result<> checked = check_upstream(*config, true);
    if (checked) continue;
    const std::string name = config->Name.empty() ? ":" : config->Name + ":" + config->Peer;
    faults.add("error in upstream override for " + name + ": " + checked.error().detail);
  }
  if (!upstreams.Defaults) return;
  if (Result<> checked = check_upstream(*upstreams.Defaults, false); !checked) {
    faults.add("error in upstream defaults: " + checked.error().detail);
  }
}

void check_destination(const DestinationConfig& destination, Faults& faults) {
  if (destination.Addresses.empty()) faults.add("Destination must contain at least one valid address");
  std::set<std::string> seen;
  for (const std::string& address : destination.Addresses) {
    if (!seen.insert(address).second) {
      faults.add("Duplicate address '" + address + "' is not allowed");
    } else if (!is_address(address)) {
      faults.add("Destination address '" + address + "' is invalid Could not validate address " + address +
                 " as an IP or Hostname");
    }
  }
  if (destination.Port < 1 || destination.Port > 65535) {
    faults.add("Invalid Port number " + number(destination.Port));
  }
}

Result<> check_access_logs(const AccessLogsConfig& logs) {
  const bool to_file = logs.Type == "file";
  if (to_file && logs.Path.empty()) return wrong("path must be specified when using file type access logs");
  if (!to_file && !logs.Type.empty() && logs.Type != "stderr" && logs.Type != "stdout") {
    return wrong("invalid access log type: " + logs.Type);
  }
  if (!logs.JSONFormat.empty() && !logs.TextFormat.empty()) {
    return wrong("cannot specify both access log JSONFormat and TextFormat");
  }
  if (!to_file && !logs.Path.empty()) return wrong("path is only valid for file type access logs");
  if (logs.JSONFormat.empty()) return {};
  const auto parsed = base::from_json<base::Value>(logs.JSONFormat);
  if (parsed) return {};
  return wrong("invalid access log json for JSON format: " + parsed.error().detail);
}

}  // namespace

Result<> check(const ServiceConfigEntry& entry) {
  if (entry.Name.empty()) return wrong("Name is required");
  if (entry.Name == "*") return wrong("service-defaults name must be the name of a service, and not a wildcard");
  Faults faults;
  faults.add_meta(entry.Meta);
  if (!is_balance(entry.BalanceInboundConnections)) {
    faults.add("invalid value for balance_inbound_connections: " + entry.BalanceInboundConnections);
  }
  if (!entry.Protocol.empty() && entry.Protocol != "tcp" && !is_http_like(entry.Protocol)) {
    faults.add("invalid value for protocol: " + entry.Protocol);
  }
  if (entry.UpstreamConfig && entry.Destination) {
    faults.add("UpstreamConfig and Destination are mutually exclusive for service defaults");
    return faults.result();
  }
  if (entry.UpstreamConfig) check_upstreams(*entry.UpstreamConfig, faults);
  if (entry.Destination) check_destination(*entry.Destination, faults);
  if (entry.RateLimits) faults.add("invalid rate_limits config. Rate limiting is a consul enterprise feature");
  faults.add_extensions(entry.EnvoyExtensions);
  // It stands alone, whatever else is wrong.
  if (Result<> checked = check_mutual_tls_mode(entry.MutualTLSMode); !checked) return checked;
  return faults.result();
}

Result<> check(const ProxyConfigEntry& entry) {
  if (entry.Name != "global") {
    return wrong("invalid name (" + base::quote(entry.Name) + "), only \"global\" is supported");
  }
  if (Result<> checked = check_access_logs(entry.AccessLogs); !checked) return checked;
  if (Result<> checked = check_meta(entry.Meta); !checked) return checked;
  constexpr std::size_t kLongestDirectory = 70;
  if (const auto found = entry.Config.find("envoy_hcp_metrics_bind_socket_dir"); found != entry.Config.end()) {
    const std::string* path = found->second.as_string();
    if (path && path->size() > kLongestDirectory) {
      return wrong("Config: envoy_hcp_metrics_bind_socket_dir length " + std::to_string(path->size()) +
                   " exceeds max " + std::to_string(kLongestDirectory));
    }
  }
  Faults extensions;
  extensions.add_extensions(entry.EnvoyExtensions);
  if (Result<> checked = extensions.result(); !checked) return checked;
  if (Result<> checked = check_failover_policy(entry.FailoverPolicy); !checked) return checked;
  if (Result<> checked = check_locality(entry.PrioritizeByLocality); !checked) return checked;
  return check_mutual_tls_mode(entry.MutualTLSMode);
}

}  // namespace proconsul::catalog::rules
