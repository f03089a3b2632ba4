// What Envoy is started with: where the agent is that configures it, its admin server, and how it reports metrics.
#pragma once

#include <string>

#include "base/result.h"
#include "base/type.h"
#include "base/value.h"

namespace proconsul::agent::cli {

struct EnvoyBootstrap {
  std::string proxy_id{}, cluster{}, source_service{};
  std::string node_name{};  // of the proxy's registration; empty: the agent's own
  std::string datacenter{}, name_space{}, partition{};
  std::string token{};
  // The agent's gRPC port: an IP address, or a unix socket.
  std::string agent_address{}, agent_port{}, agent_socket{};
  bool agent_tls{};
  std::string agent_ca{};  // PEM
  std::string admin_address{}, admin_port{};
  std::string admin_log_path{"/dev/null"};
  std::string admin_logs{};     // an AccessLog (JSON) instead
  std::string ready_address{};  // "10.0.0.1:21000": where it says that it is ready; empty: nowhere
  bool omit_deprecated_tags{};
  struct Prometheus {
    std::string backend_port{}, scrape_path{"/metrics"};
    std::string ca_file{}, ca_path{}, cert_file{}, key_file{};
  };
  Prometheus prometheus{};
};

/// The bootstrap (JSON, indented), with what Proxy.Config adds to it. Errors name the key that is wrong.
base::Result<std::string> envoy_bootstrap(const EnvoyBootstrap& envoy, const base::Map<base::Value>& config);

/// The body of stats_config: which parts of metrics' names are tags, and fixed tags "name=value".
base::Value envoy_stats_config(const EnvoyBootstrap& envoy, const base::List<std::string>& fixed);

}  // namespace proconsul::agent::cli
