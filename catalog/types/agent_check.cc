#include "catalog/types/agent_check.h"

#include <type_traits>

namespace proconsul::catalog {

bool CheckSettings::default_h2ping_tls() {
  if (H2PING.empty() || H2PingUseTLS) return false;
  H2PingUseTLS = true;
  return true;
}

namespace {

// What both kinds of check share, but for the last two.
template <class Check>
void describe_settings(base::TypeBuilder<Check>& type) {
  type.field("ScriptArgs", &CheckSettings::ScriptArgs).alias("args").alias("script_args");
  type.field("HTTP", &CheckSettings::HTTP);
  type.field("H2PING", &CheckSettings::H2PING);
  type.field("H2PingUseTLS", &CheckSettings::H2PingUseTLS).alias("h2ping_use_tls");
  type.field("Header", &CheckSettings::Header);
  type.field("Method", &CheckSettings::Method);
  type.field("Body", &CheckSettings::Body);
  base::FieldBuilder redirects = type.field("DisableRedirects", &CheckSettings::DisableRedirects);
  if constexpr (std::is_same_v<Check, CheckDefinition>) redirects.alias("disable_redirects");
  type.field("TCP", &CheckSettings::TCP);
  type.field("TCPUseTLS", &CheckSettings::TCPUseTLS).alias("tcp_use_tls");
  type.field("UDP", &CheckSettings::UDP);
  type.field("Interval", &CheckSettings::Interval);
  type.field("AliasNode", &CheckSettings::AliasNode);
  type.field("AliasService", &CheckSettings::AliasService);
  type.field("DockerContainerID", &CheckSettings::DockerContainerID).alias("docker_container_id");
  type.field("Shell", &CheckSettings::Shell);
  type.field("GRPC", &CheckSettings::GRPC);
  type.field("GRPCUseTLS", &CheckSettings::GRPCUseTLS).alias("grpc_use_tls");
  type.field("OSService", &CheckSettings::OSService);
  type.field("TLSServerName", &CheckSettings::TLSServerName).alias("tls_server_name");
  type.field("TLSSkipVerify", &CheckSettings::TLSSkipVerify).alias("tls_skip_verify");
  type.field("Timeout", &CheckSettings::Timeout);
  type.field("TTL", &CheckSettings::TTL);
  type.field("SuccessBeforePassing", &CheckSettings::SuccessBeforePassing);
  type.field("FailuresBeforeWarning", &CheckSettings::FailuresBeforeWarning);
  type.field("FailuresBeforeCritical", &CheckSettings::FailuresBeforeCritical);
}

template <class Check>
void describe_last_settings(base::TypeBuilder<Check>& type) {
  type.field("DeregisterCriticalServiceAfter", &CheckSettings::DeregisterCriticalServiceAfter)
      .alias("deregister_critical_service_after");
  type.field("OutputMaxSize", &CheckSettings::OutputMaxSize);
}

}  // namespace

PROCONSUL_DESCRIBE_TYPE(CheckType, "structs.CheckType") {
  type.field("CheckID", &CheckType::CheckID).go_type("types.CheckID");
  type.field("Name", &CheckType::Name);
  type.field("Status", &CheckType::Status);
  type.field("Notes", &CheckType::Notes);
  describe_settings(type);
  type.field("ProxyHTTP", &CheckType::ProxyHTTP);
  type.field("ProxyGRPC", &CheckType::ProxyGRPC);
  describe_last_settings(type);
  type.json_shadow(R"(struct { Interval interface {}; Timeout interface {}; TTL interface {}; )"
                   R"(DeregisterCriticalServiceAfter interface {}; Args []string "json:\"args\""; )"
                   R"(ScriptArgsSnake []string "json:\"script_args\""; )"
                   R"(DeregisterCriticalServiceAfterSnake interface {} "json:\"deregister_critical_service_after\""; )"
                   R"(DockerContainerIDSnake string "json:\"docker_container_id\""; )"
                   R"(TLSServerNameSnake string "json:\"tls_server_name\""; )"
                   R"(TLSSkipVerifySnake bool "json:\"tls_skip_verify\""; TCPUseTLSSnake bool "json:\"tcp_use_tls\""; )"
                   R"(GRPCUseTLSSnake bool "json:\"grpc_use_tls\""; H2PingUseTLSSnake bool "json:\"h2ping_use_tls\""; )"
                   R"(ServiceID string "json:\"ServiceID\""; ServiceIDSnake string "json:\"service_id\""; )"
                   R"(*structs.Alias })");
  type.json_defaults<&CheckType::set_defaults>();
}

PROCONSUL_DESCRIBE_TYPE(CheckDefinition, "structs.CheckDefinition") {
  type.field("ID", &CheckDefinition::ID).go_type("types.CheckID");
  type.field("Name", &CheckDefinition::Name);
  type.field("Notes", &CheckDefinition::Notes);
  type.field("ServiceID", &CheckDefinition::ServiceID).alias("service_id");
  type.field("Token", &CheckDefinition::Token);
  type.field("Status", &CheckDefinition::Status);
  describe_settings(type);
  describe_last_settings(type);
  type.json_shadow(R"(struct { Interval interface {}; Timeout interface {}; TTL interface {}; )"
                   R"(DeregisterCriticalServiceAfter interface {}; Args []string "json:\"args\""; )"
                   R"(ScriptArgsSnake []string "json:\"script_args\""; )"
                   R"(DeregisterCriticalServiceAfterSnake interface {} "json:\"deregister_critical_service_after\""; )"
                   R"(DockerContainerIDSnake string "json:\"docker_container_id\""; )"
                   R"(TLSServerNameSnake string "json:\"tls_server_name\""; )"
                   R"(TLSSkipVerifySnake bool "json:\"tls_skip_verify\""; TCPUseTLSSnake bool "json:\"tcp_use_tls\""; )"
                   R"(GRPCUseTLSSnake bool "json:\"grpc_use_tls\""; ServiceIDSnake string "json:\"service_id\""; )"
                   R"(H2PingUseTLSSnake bool "json:\"h2ping_use_tls\""; )"
                   R"(DisableRedirectsSnake bool "json:\"disable_redirects\""; *structs.Alias })");
  type.json_defaults<&CheckDefinition::set_defaults>();
}

}  // namespace proconsul::catalog
