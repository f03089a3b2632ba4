#include "catalog/types/agent_check.h"

namespace proconsul::catalog {

namespace {

void default_h2ping_tls(CheckSettings& check) {
  check.H2PingUseTLS = check.H2PingUseTLSInput ? *check.H2PingUseTLSInput : !check.H2PING.empty();
  check.H2PingUseTLSInput = check.H2PingUseTLS;
}

void finish_check_type(void* self) {
  auto& check = *static_cast<CheckType*>(self);
  default_h2ping_tls(check);
  check.ServiceID.clear();
}

void finish_check_definition(void* self) {
  default_h2ping_tls(*static_cast<CheckDefinition*>(self));
}

}  // namespace

PROCONSUL_DESCRIBE_TYPE(CheckSettings, "structs.CheckType") {
  type.field("ScriptArgs", &CheckSettings::ScriptArgs).alias("args").alias("script_args");
  type.field("HTTP", &CheckSettings::HTTP);
  type.field("H2PING", &CheckSettings::H2PING);
  type.field("H2PingUseTLS", &CheckSettings::H2PingUseTLS).no_json();
  type.field("H2PingUseTLSInput", &CheckSettings::H2PingUseTLSInput)
      .json("H2PingUseTLS")
      .alias("h2ping_use_tls")
      .no_wire()
      .no_filter();
  type.field("Header", &CheckSettings::Header);
  type.field("Method", &CheckSettings::Method);
  type.field("Body", &CheckSettings::Body);
  type.field("DisableRedirects", &CheckSettings::DisableRedirects).alias("disable_redirects");
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
  type.field("DeregisterCriticalServiceAfter", &CheckSettings::DeregisterCriticalServiceAfter)
      .alias("deregister_critical_service_after");
  type.field("OutputMaxSize", &CheckSettings::OutputMaxSize);
}

PROCONSUL_DESCRIBE_TYPE(CheckType, "structs.CheckType") {
  type.field("CheckID", &CheckType::CheckID);
  type.field("Name", &CheckType::Name);
  type.field("Status", &CheckType::Status);
  type.field("Notes", &CheckType::Notes);
  type.embed<CheckSettings>();
  type.field("ProxyHTTP", &CheckType::ProxyHTTP);
  type.field("ProxyGRPC", &CheckType::ProxyGRPC);
  type.field("ServiceID", &CheckType::ServiceID).alias("service_id").omit_empty().no_wire().no_filter();
  type.reject_unknown();
  type.json_after(&finish_check_type);
}

PROCONSUL_DESCRIBE_TYPE(CheckDefinition, "structs.CheckDefinition") {
  type.field("ID", &CheckDefinition::ID);
  type.field("Name", &CheckDefinition::Name);
  type.field("Notes", &CheckDefinition::Notes);
  type.field("ServiceID", &CheckDefinition::ServiceID).alias("service_id");
  type.field("Token", &CheckDefinition::Token);
  type.field("Status", &CheckDefinition::Status);
  type.embed<CheckSettings>();
  type.reject_unknown();
  type.json_after(&finish_check_definition);
}

}  // namespace proconsul::catalog
