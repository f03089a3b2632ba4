#include "catalog/types/health.h"

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(HealthCheckDefinition, "structs.HealthCheckDefinition") {
  // The first four lead in JSON; the rest follows in the order of declaration.
  type.field("Interval", &HealthCheckDefinition::Interval).omit_empty().readable();
  type.field("OutputMaxSize", &HealthCheckDefinition::OutputMaxSize).omit_empty();
  type.field("Timeout", &HealthCheckDefinition::Timeout).omit_empty().readable();
  type.field("DeregisterCriticalServiceAfter", &HealthCheckDefinition::DeregisterCriticalServiceAfter)
      .omit_empty()
      .readable();
  type.field("HTTP", &HealthCheckDefinition::HTTP).omit_empty();
  type.field("TLSServerName", &HealthCheckDefinition::TLSServerName).omit_empty();
  type.field("TLSSkipVerify", &HealthCheckDefinition::TLSSkipVerify).omit_empty();
  type.field("Header", &HealthCheckDefinition::Header).omit_empty();
  type.field("Method", &HealthCheckDefinition::Method).omit_empty();
  type.field("Body", &HealthCheckDefinition::Body).omit_empty();
  type.field("DisableRedirects", &HealthCheckDefinition::DisableRedirects).omit_empty();
  type.field("TCP", &HealthCheckDefinition::TCP).omit_empty();
  type.field("TCPUseTLS", &HealthCheckDefinition::TCPUseTLS).omit_empty();
  type.field("UDP", &HealthCheckDefinition::UDP).omit_empty();
  type.field("H2PING", &HealthCheckDefinition::H2PING).omit_empty();
  type.field("OSService", &HealthCheckDefinition::OSService).omit_empty();
  type.field("H2PingUseTLS", &HealthCheckDefinition::H2PingUseTLS).omit_empty();
  type.field("ScriptArgs", &HealthCheckDefinition::ScriptArgs).omit_empty();
  type.field("DockerContainerID", &HealthCheckDefinition::DockerContainerID).omit_empty();
  type.field("Shell", &HealthCheckDefinition::Shell).omit_empty();
  type.field("GRPC", &HealthCheckDefinition::GRPC).omit_empty();
  type.field("GRPCUseTLS", &HealthCheckDefinition::GRPCUseTLS).omit_empty();
  type.field("AliasNode", &HealthCheckDefinition::AliasNode).omit_empty();
  type.field("AliasService", &HealthCheckDefinition::AliasService).omit_empty();
  type.field("SessionName", &HealthCheckDefinition::SessionName).omit_empty();
  type.field("TTL", &HealthCheckDefinition::TTL).omit_empty();  // the one duration that stays a number
  type.json_shadow_lenient(R"(struct { Interval interface {}; Timeout interface {}; )"
                           R"(DeregisterCriticalServiceAfter interface {}; TTL interface {}; *structs.Alias })");
  type.json_refuses_null();
}

PROCONSUL_DESCRIBE_TYPE(HealthCheck, "structs.HealthCheck") {
  type.field("Node", &HealthCheck::Node);
  type.field("CheckID", &HealthCheck::CheckID).go_type("types.CheckID");
  type.field("Name", &HealthCheck::Name);
  type.field("Status", &HealthCheck::Status);
  type.field("Notes", &HealthCheck::Notes);
  type.field("Output", &HealthCheck::Output);
  type.field("ServiceID", &HealthCheck::ServiceID);
  type.field("ServiceName", &HealthCheck::ServiceName);
  type.field("ServiceTags", &HealthCheck::ServiceTags);
  type.field("Type", &HealthCheck::Type);
  type.field("Interval", &HealthCheck::Interval);
  type.field("Timeout", &HealthCheck::Timeout);
  type.field("ExposedPort", &HealthCheck::ExposedPort);
  type.field("PeerName", &HealthCheck::PeerName).omit_empty();
  type.field("Definition", &HealthCheck::Definition).no_filter();
  type.embed<RaftIndex>();
}

}  // namespace proconsul::catalog
