// Services and checks of the local agent as its API shows them.
#pragma once

#include <cstdint>
#include <string>

#include "base/type.h"
#include "catalog/types/service.h"

namespace proconsul::agent::http {

struct AgentUpstream {
  std::string DestinationType{};
  std::string DestinationPartition{};
  std::string DestinationNamespace{};
  std::string DestinationPeer{};
  std::string DestinationName{};
  std::string Datacenter{};
  std::string LocalBindAddress{};
  base::Int LocalBindPort{};
  std::string LocalBindSocketPath{};
  std::string LocalBindSocketMode{};
  base::Map<base::Value> Config{};
  catalog::MeshGatewayConfig MeshGateway{};
};
PROCONSUL_DECLARE_TYPE(AgentUpstream)

struct AgentExposePath {
  base::Int ListenerPort{};
  std::string Path{};
  base::Int LocalPathPort{};
  std::string Protocol{};
  bool ParsedFromCheck{};
};
PROCONSUL_DECLARE_TYPE(AgentExposePath)

struct AgentExpose {
  bool Checks{};
  base::List<AgentExposePath> Paths{};
};
PROCONSUL_DECLARE_TYPE(AgentExpose)

struct AgentProxy {
  base::List<catalog::EnvoyExtension> EnvoyExtensions{};
  std::string DestinationServiceName{};
  std::string DestinationServiceID{};
  std::string LocalServiceAddress{};
  base::Int LocalServicePort{};
  std::string LocalServiceSocketPath{};
  std::string Mode{};
  base::Pointer<catalog::TransparentProxyConfig> TransparentProxy{};
  base::Map<base::Value> Config{};
  base::List<AgentUpstream> Upstreams{};
  catalog::MeshGatewayConfig MeshGateway{};
  AgentExpose Expose{};
  base::Pointer<catalog::AccessLogsConfig> AccessLogs{};
};
PROCONSUL_DECLARE_TYPE(AgentProxy)

struct AgentConnect {
  bool Native{};
};
PROCONSUL_DECLARE_TYPE(AgentConnect)

struct AgentLocality {
  std::string Region{};
  std::string Zone{};
};
PROCONSUL_DECLARE_TYPE(AgentLocality)

struct AgentService {
  std::string Kind{};
  std::string ID{};
  std::string Service{};
  base::List<std::string> Tags{};
  base::Map<std::string> Meta{};
  base::Int Port{};
  std::string Address{};
  std::string SocketPath{};
  base::Map<catalog::ServiceAddress> TaggedAddresses{};
  catalog::Weights Weights{};
  bool EnableTagOverride{};
  std::uint64_t CreateIndex{};
  std::uint64_t ModifyIndex{};
  std::string ContentHash{};
  base::Pointer<AgentProxy> Proxy{};
  base::Pointer<AgentConnect> Connect{};
  std::string PeerName{};
  std::string Datacenter{};
  base::Pointer<AgentLocality> Locality{};
};
PROCONSUL_DECLARE_TYPE(AgentService)

AgentService shown(const catalog::NodeService& service, const std::string& datacenter);

/// The API shows it whole, though the agent tells nothing of how a check is run.
struct AgentCheckDefinition {
  std::string HTTP{};
  base::Map<base::List<std::string>> Header{};
  std::string Method{};
  std::string Body{};
  std::string TLSServerName{};
  bool TLSSkipVerify{};
  std::string TCP{};
  bool TCPUseTLS{};
  std::string UDP{};
  std::string GRPC{};
  std::string OSService{};
  bool GRPCUseTLS{};
  base::Duration Interval{};
  base::Duration Timeout{};
  base::Duration DeregisterCriticalServiceAfter{};
};
PROCONSUL_DECLARE_TYPE(AgentCheckDefinition)

/// What /v1/agent/health shows of a check.
struct AgentCheck {
  std::string Node{};
  std::string CheckID{};
  std::string Name{};
  std::string Status{};
  std::string Notes{};
  std::string Output{};
  std::string ServiceID{};
  std::string ServiceName{};
  base::List<std::string> ServiceTags{};
  std::string Type{};
  base::Int ExposedPort{};
  AgentCheckDefinition Definition{};
  std::uint64_t CreateIndex{};
  std::uint64_t ModifyIndex{};
};
PROCONSUL_DECLARE_TYPE(AgentCheck)

struct ServiceChecksInfo {
  std::string AggregatedStatus{};
  base::Pointer<AgentService> Service{};
  base::List<AgentCheck> Checks{};
};
PROCONSUL_DECLARE_TYPE(ServiceChecksInfo)

/// Body of PUT /v1/agent/check/update.
struct CheckUpdate {
  std::string Status{};
  std::string Output{};
};
PROCONSUL_DECLARE_TYPE(CheckUpdate)

}  // namespace proconsul::agent::http
