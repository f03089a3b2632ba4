// Service instances, in the three shapes that Consul gives them: with their node apart (NodeService), joined with their
// node (ServiceNode, CheckServiceNode), and as an agent is told of them (ServiceDefinition).
#pragma once

#include <string>
#include <string_view>

#include "base/type.h"
#include "catalog/types/agent_check.h"
#include "catalog/types/common.h"
#include "catalog/types/health.h"
#include "catalog/types/node.h"
#include "catalog/types/proxy.h"

namespace proconsul::catalog {

inline constexpr std::string_view kKindTypical = "";
inline constexpr std::string_view kKindConnectProxy = "connect-proxy";
inline constexpr std::string_view kKindMeshGateway = "mesh-gateway";
inline constexpr std::string_view kKindTerminatingGateway = "terminating-gateway";
inline constexpr std::string_view kKindIngressGateway = "ingress-gateway";
inline constexpr std::string_view kKindApiGateway = "api-gateway";
inline constexpr std::string_view kKindDestination = "destination";
inline constexpr std::string_view kKindConnectEnabled = "connect-enabled";
inline constexpr std::string_view kConsulServiceId = "consul";
inline constexpr std::string_view kConsulServiceName = "consul";

struct Weights {
  base::Int Passing{};
  base::Int Warning{};
  bool operator==(const Weights&) const = default;
};
PROCONSUL_DECLARE_TYPE(Weights)

struct ServiceAddress {
  std::string Address{};
  base::Int Port{};
  bool operator==(const ServiceAddress&) const = default;
};
PROCONSUL_DECLARE_TYPE(ServiceAddress)

struct PeeringServiceMeta {
  base::List<std::string> SNI{};
  base::List<std::string> SpiffeID{};
  std::string Protocol{};
};
PROCONSUL_DECLARE_TYPE(PeeringServiceMeta)

struct ServiceDefinition;
PROCONSUL_DECLARE_TYPE(ServiceDefinition)

struct ServiceConnect {
  bool Native{};
  base::Pointer<ServiceDefinition> SidecarService;  // input only: registered beside its parent
  base::Pointer<PeeringServiceMeta> PeerMeta{};
};
PROCONSUL_DECLARE_TYPE(ServiceConnect)

/// A service as an agent is told of it: PUT /v1/agent/service/register, `service` blocks, sidecars.
struct ServiceDefinition {
  std::string Kind{};
  std::string ID{};
  std::string Name{};
  base::List<std::string> Tags{};
  std::string Address{};
  base::Map<ServiceAddress> TaggedAddresses{};
  base::Map<std::string> Meta{};
  base::Int Port{};
  std::string SocketPath{};
  CheckType Check{};
  base::List<base::Pointer<CheckType>> Checks{};
  base::Pointer<catalog::Weights> Weights{};
  std::string Token{};
  bool EnableTagOverride{};
  base::Pointer<catalog::Locality> Locality{};
  base::Pointer<ConnectProxyConfig> Proxy{};
  base::Pointer<ServiceConnect> Connect{};
};

/// A service instance on a node.
struct NodeService : RaftIndex {
  std::string Kind{};
  std::string ID{};  // unique on its node
  std::string Service{};
  base::List<std::string> Tags{};
  std::string Address{};
  base::Map<ServiceAddress> TaggedAddresses{};
  base::Map<std::string> Meta{};
  base::Int Port{};
  std::string SocketPath{};
  base::Pointer<catalog::Weights> Weights{};
  bool EnableTagOverride{};
  base::Pointer<catalog::Locality> Locality{};
  base::Rare<ConnectProxyConfig> Proxy{};
  base::Rare<ServiceConnect> Connect{};
  bool LocallyRegisteredAsSidecar{};
  std::string PeerName{};
};
PROCONSUL_DECLARE_TYPE(NodeService)

/// A service instance with the address of its node: /v1/catalog/service/:name.
struct ServiceNode : RaftIndex {
  std::string ID{};
  std::string Node{};
  std::string Address{};
  std::string Datacenter{};
  base::Map<std::string> TaggedAddresses{};
  base::Map<std::string> NodeMeta{};
  std::string ServiceKind{};
  std::string ServiceID{};
  std::string ServiceName{};
  base::List<std::string> ServiceTags{};
  std::string ServiceAddress{};
  base::Map<catalog::ServiceAddress> ServiceTaggedAddresses{};
  Weights ServiceWeights{};
  base::Map<std::string> ServiceMeta{};
  base::Int ServicePort{};
  std::string ServiceSocketPath{};
  bool ServiceEnableTagOverride{};
  base::Rare<ConnectProxyConfig> ServiceProxy{};
  base::Rare<catalog::ServiceConnect> ServiceConnect{};
  base::Pointer<Locality> ServiceLocality{};
  std::string PeerName{};
};
PROCONSUL_DECLARE_TYPE(ServiceNode)

/// A service instance with its node and the checks of both: /v1/health/service/:name.
struct CheckServiceNode {
  base::Pointer<catalog::Node> Node{};
  base::Pointer<NodeService> Service{};
  base::List<base::Pointer<HealthCheck>> Checks{};
};
PROCONSUL_DECLARE_TYPE(CheckServiceNode)

/// /v1/catalog/node/:node
struct NodeServices {
  base::Pointer<catalog::Node> Node{};
  base::Map<base::Pointer<NodeService>> Services{};
};
PROCONSUL_DECLARE_TYPE(NodeServices)

/// /v1/catalog/node-services/:node
struct NodeServiceList {
  base::Pointer<catalog::Node> Node{};
  base::List<base::Pointer<NodeService>> Services{};
};
PROCONSUL_DECLARE_TYPE(NodeServiceList)

/// A node with all that is on it: the UI's view.
struct NodeInfo {
  std::string ID{};
  std::string Node{};
  std::string Partition{};
  std::string PeerName{};
  std::string Address{};
  base::Map<std::string> TaggedAddresses{};
  base::Map<std::string> Meta{};
  base::List<base::Pointer<NodeService>> Services{};
  base::List<base::Pointer<HealthCheck>> Checks{};
};
PROCONSUL_DECLARE_TYPE(NodeInfo)

/// A service's name; Consul's enterprise fields are empty here.
struct ServiceName {
  std::string Name{};
  auto operator<=>(const ServiceName&) const = default;
};
PROCONSUL_DECLARE_TYPE(ServiceName)

struct PeeredServiceName {
  catalog::ServiceName ServiceName{};
  std::string Peer{};
  auto operator<=>(const PeeredServiceName&) const = default;
};
PROCONSUL_DECLARE_TYPE(PeeredServiceName)

/// A service behind a gateway, as the gateway's config entry links them.
struct GatewayService : RaftIndex {
  ServiceName Gateway{};
  ServiceName Service{};
  std::string GatewayKind{};
  base::Int Port{};
  std::string Protocol{};
  base::List<std::string> Hosts{};
  std::string CAFile{};
  std::string CertFile{};
  std::string KeyFile{};
  std::string SNI{};
  bool FromWildcard{};
  std::string ServiceKind{};
  bool AutoHostRewrite{};
};
PROCONSUL_DECLARE_TYPE(GatewayService)

/// One row of a service dump: an instance, or a gateway's link to a service without instances.
struct ServiceInfo {
  base::Pointer<catalog::Node> Node{};
  base::Pointer<NodeService> Service{};
  base::List<base::Pointer<HealthCheck>> Checks{};
  base::Pointer<catalog::GatewayService> GatewayService{};
};
PROCONSUL_DECLARE_TYPE(ServiceInfo)

}  // namespace proconsul::catalog
