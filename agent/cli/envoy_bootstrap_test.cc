#include "agent/cli/envoy_bootstrap.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace proconsul::agent::cli {
namespace {

using base::Result;
using base::Value;

EnvoyBootstrap gateway() {
  EnvoyBootstrap envoy;
  envoy.proxy_id = "gate";
  envoy.cluster = envoy.source_service = "mesh-gateway";
  envoy.datacenter = "dc1";
  envoy.token = "se\"cret";
  envoy.agent_address = "127.0.0.1";
  envoy.agent_port = "8502";
  envoy.admin_address = "127.0.0.1";
  envoy.admin_port = "19000";
  return envoy;
}

Value made(const EnvoyBootstrap& envoy, const base::Map<Value>& config = {}) {
  const Result<std::string> json = envoy_bootstrap(envoy, config);
  EXPECT_TRUE(json) << json.error().detail;
  return json ? base::from_json<Value>(*json).value_or(Value()) : Value();
}

std::string at(const Value& value, std::initializer_list<std::string_view> path) {
  const Value* found = &value;
  for (const std::string_view key : path) {
    if (const auto* list = found->as_list()) {
      found = &list->at(static_cast<std::size_t>(key[0] - '0'));
    } else {
      found = found->find(key);
    }
    if (!found) return "nothing at " + std::string(key);
  }
  return base::to_json(*found);
}

TEST(EnvoyBootstrap, NamesTheAgentTheProxyAndItsToken) {
  const Value bootstrap = made(gateway());

  EXPECT_EQ(at(bootstrap, {"node"}),
            R"({"cluster":"mesh-gateway","id":"gate","metadata":{"namespace":"default","partition":"default"}})");
  EXPECT_EQ(at(bootstrap, {"admin", "address", "socket_address"}), R"({"address":"127.0.0.1","port_value":19000})");
  EXPECT_EQ(at(bootstrap, {"static_resources", "clusters", "0", "loadAssignment", "endpoints", "0", "lbEndpoints", "0",
                           "endpoint", "address", "socket_address"}),
            R"({"address":"127.0.0.1","port_value":8502})");
  EXPECT_EQ(at(bootstrap, {"dynamic_resources", "ads_config", "grpc_services", "initial_metadata", "0", "value"}),
            R"("se\"cret")");
  EXPECT_EQ(at(bootstrap, {"static_resources", "clusters", "0", "transport_socket"}), "nothing at transport_socket");
}

TEST(EnvoyBootstrap, TlsHasTheAuthorityInIt) {
  EnvoyBootstrap envoy = gateway();
  envoy.agent_tls = true;
  envoy.agent_ca = "PEM\n";

  EXPECT_EQ(at(made(envoy), {"static_resources", "clusters", "0", "transport_socket", "typed_config",
                             "common_tls_context", "validation_context", "trusted_ca", "inline_string"}),
            R"("PEM\n")");
}

TEST(EnvoyBootstrap, MetricsAreServedAndSentWhereTheConfigSays) {
  base::Map<Value> config;
  config["envoy_prometheus_bind_addr"] = "0.0.0.0:9102";
  config["envoy_stats_bind_addr"] = "0.0.0.0:9103";
  config["envoy_statsd_url"] = "udp://10.0.0.5:9125";

  const Value bootstrap = made(gateway(), config);

  EXPECT_EQ(at(bootstrap, {"static_resources", "listeners", "0", "name"}), R"("envoy_prometheus_metrics_listener")");
  EXPECT_EQ(at(bootstrap, {"static_resources", "listeners", "1", "name"}), R"("envoy_metrics_listener")");
  EXPECT_EQ(at(bootstrap, {"static_resources", "clusters", "1", "name"}), R"("self_admin")");
  EXPECT_EQ(bootstrap.find("static_resources")->find("clusters")->as_list()->size(), 2u);
  EXPECT_EQ(at(bootstrap, {"stats_sinks", "0", "typedConfig", "address", "socket_address", "port_value"}), "9125");
}

TEST(EnvoyBootstrap, OlderNamesOfTagsMayBeLeftOut) {
  EnvoyBootstrap envoy = gateway();
  const std::string with = base::to_json(envoy_stats_config(envoy, {"a=1", "canary"}));
  envoy.omit_deprecated_tags = true;
  const std::string without = base::to_json(envoy_stats_config(envoy, {}));

  EXPECT_NE(with.find(R"({"fixed_value":"1","tag_name":"canary"})"), std::string::npos);
  EXPECT_NE(with.find(R"("tag_name":"consul.service")"), std::string::npos);
  EXPECT_EQ(without.find(R"("tag_name":"consul.service")"), std::string::npos);
  EXPECT_NE(without.find(R"("tag_name":"consul.destination.service")"), std::string::npos);
}

TEST(EnvoyBootstrap, WhatIsWrongIsNamed) {
  const auto error = [](const char* key, const char* value) {
    base::Map<Value> config;
    config[key] = value;
    const Result<std::string> json = envoy_bootstrap(gateway(), config);
    return json ? std::string("no error") : json.error().detail;
  };

  EXPECT_EQ(error("envoy_statsd_url", "tcp://a:1"),
            "unsupported address protocol \"tcp\" for envoy.stat_sinks.statsd sink");
  EXPECT_TRUE(error("envoy_extra_static_clusters_json", "{").starts_with("envoy_extra_static_clusters_json: "));
  EXPECT_TRUE(error("envoy_prometheus_bind_addr", "9102").starts_with("invalid envoy_prometheus_metrics bind address"));
  EXPECT_TRUE(error("envoy_bootstrap_json_tpl", "{}").starts_with("envoy_bootstrap_json_tpl is not supported"));
}

// What is no number was put into the text as it came, which made nothing of it, and ended the program.
TEST(EnvoyBootstrap, APortThatIsNoneIsNamed) {
  const auto refusal = [](const EnvoyBootstrap& envoy, const base::Map<Value>& config = {}) {
    const Result<std::string> json = envoy_bootstrap(envoy, config);
    return json ? std::string() : json.error().detail;
  };
  EnvoyBootstrap envoy = gateway();
  envoy.admin_port = "http";
  EXPECT_EQ(refusal(envoy), R"(invalid port "http" of -admin-bind: it must be a number up to 65535)");
  envoy = gateway();
  envoy.agent_port = "70000";
  EXPECT_EQ(refusal(envoy), R"(invalid port "70000" of the agent's gRPC address: it must be a number up to 65535)");
  envoy = gateway();
  envoy.prometheus.backend_port = "x";
  EXPECT_EQ(refusal(envoy), R"(invalid port "x" in -prometheus-backend-port: it must be a number up to 65535)");

  envoy = gateway();
  envoy.admin_port = "08500";
  EXPECT_EQ(at(made(envoy), {"admin", "address", "socket_address"}), R"({"address":"127.0.0.1","port_value":8500})");
  base::Map<Value> config;
  config["envoy_statsd_url"] = "udp://127.0.0.1:09125";
  EXPECT_NE(at(made(gateway(), config), {"stats_sinks", "0"}).find(R"("port_value":9125)"), std::string::npos);
}

}  // namespace
}  // namespace proconsul::agent::cli
