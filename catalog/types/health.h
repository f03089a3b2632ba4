// Health checks as the catalog keeps them. How an agent runs one is in agent_check.h.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "base/type.h"
#include "catalog/types/common.h"

namespace proconsul::catalog {

inline constexpr std::string_view kHealthPassing = "passing";
inline constexpr std::string_view kHealthWarning = "warning";
inline constexpr std::string_view kHealthCritical = "critical";
inline constexpr std::string_view kHealthMaintenance = "maintenance";
inline constexpr std::string_view kSerfCheckId = "serfHealth";
inline constexpr std::string_view kSerfCheckName = "Serf Health Status";

/// What the catalog remembers of how the check is run. Durations are text in JSON.
struct HealthCheckDefinition {
  std::string HTTP{};
  std::string TLSServerName{};
  bool TLSSkipVerify{};
  base::Map<base::List<std::string>> Header{};
  std::string Method{};
  std::string Body{};
  bool DisableRedirects{};
  std::string TCP{};
  bool TCPUseTLS{};
  std::string UDP{};
  std::string H2PING{};
  std::string OSService{};
  bool H2PingUseTLS{};
  base::Duration Interval{};
  base::Uint OutputMaxSize{};
  base::Duration Timeout{};
  base::Duration DeregisterCriticalServiceAfter{};
  base::List<std::string> ScriptArgs{};
  std::string DockerContainerID{};
  std::string Shell{};
  std::string GRPC{};
  bool GRPCUseTLS{};
  std::string AliasNode{};
  std::string AliasService{};
  std::string SessionName{};
  base::Duration TTL{};
};
PROCONSUL_DECLARE_TYPE(HealthCheckDefinition)

/// One check of a node (ServiceID empty) or of a service instance.
struct HealthCheck : RaftIndex {
  std::string Node{};
  std::string CheckID{};  // unique on its node
  std::string Name{};
  std::string Status{};
  std::string Notes{};
  std::string Output{};
  std::string ServiceID{};
  std::string ServiceName{};
  base::List<std::string> ServiceTags{};
  std::string Type{};
  std::string Interval{};
  std::string Timeout{};
  base::Int ExposedPort{};
  std::string PeerName{};
  base::Rare<HealthCheckDefinition> Definition{};
};
PROCONSUL_DECLARE_TYPE(HealthCheck)

}  // namespace proconsul::catalog
