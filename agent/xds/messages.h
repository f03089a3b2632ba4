// Envoy's messages, as far as mesh gateways need them. Members are spelled as in Envoy's .proto files; messages.cc has
// their numbers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/protobuf.h"
#include "base/time.h"
#include "base/type.h"
#include "base/value.h"

namespace proconsul::agent::xds {

// ---- google.protobuf, google.rpc ----

struct Any {
  std::string type_url{};
  base::Bytes value{};
};
PROCONSUL_DECLARE_TYPE(Any)

/// UInt32Value: a number that may be absent.
struct Number {
  std::uint32_t value{};
};
PROCONSUL_DECLARE_TYPE(Number)

struct Nothing {};
PROCONSUL_DECLARE_TYPE(Nothing)

struct RpcStatus {
  std::int32_t code{};
  std::string message{};
};
PROCONSUL_DECLARE_TYPE(RpcStatus)

// ---- envoy.service.discovery.v3, and envoy.config.core.v3.Node ----

struct SemanticVersion {
  std::uint32_t major_number{}, minor_number{}, patch{};
};
PROCONSUL_DECLARE_TYPE(SemanticVersion)

struct BuildVersion {
  base::Pointer<SemanticVersion> version{};
};
PROCONSUL_DECLARE_TYPE(BuildVersion)

struct Node {
  std::string id{};
  std::string cluster{};
  base::Map<base::Value> metadata{};
  std::string user_agent_name{};
  base::Pointer<BuildVersion> user_agent_build_version{};
};
PROCONSUL_DECLARE_TYPE(Node)

struct DeltaDiscoveryRequest {
  base::Pointer<xds::Node> node{};
  std::string type_url{};
  base::List<std::string> resource_names_subscribe{};
  base::List<std::string> resource_names_unsubscribe{};
  base::Map<std::string> initial_resource_versions{};
  std::string response_nonce{};
  base::Pointer<RpcStatus> error_detail{};
};
PROCONSUL_DECLARE_TYPE(DeltaDiscoveryRequest)

struct DiscoveredResource {
  std::string version{};
  Any resource{};
  std::string name{};
};
PROCONSUL_DECLARE_TYPE(DiscoveredResource)

struct DeltaDiscoveryResponse {
  base::List<DiscoveredResource> resources{};
  std::string type_url{};
  std::string nonce{};
  base::List<std::string> removed_resources{};
};
PROCONSUL_DECLARE_TYPE(DeltaDiscoveryResponse)

// ---- envoy.config.core.v3 ----

struct SocketAddress {
  std::string address{};
  std::uint32_t port_value{};
};
PROCONSUL_DECLARE_TYPE(SocketAddress)

struct Address {
  SocketAddress socket_address{};
};
PROCONSUL_DECLARE_TYPE(Address)

inline constexpr std::int32_t kApiVersion3 = 2;

struct ConfigSource {
  Nothing ads{};
  base::Pointer<base::Duration> initial_fetch_timeout{};
  std::int32_t resource_api_version{};
};
PROCONSUL_DECLARE_TYPE(ConfigSource)

struct TcpKeepalive {
  base::Pointer<Number> keepalive_probes{};
  base::Pointer<Number> keepalive_time{};      // seconds
  base::Pointer<Number> keepalive_interval{};  // seconds
};
PROCONSUL_DECLARE_TYPE(TcpKeepalive)

struct DataSource {
  std::string inline_string{};
};
PROCONSUL_DECLARE_TYPE(DataSource)

struct SubstitutionFormatString {
  base::Map<base::Value> json_format{};
  base::Pointer<DataSource> text_format_source{};
};
PROCONSUL_DECLARE_TYPE(SubstitutionFormatString)

// ---- envoy.config.endpoint.v3 ----

inline constexpr std::int32_t kHealthUnknown = 0, kHealthHealthy = 1, kHealthUnhealthy = 2;

struct Endpoint {
  xds::Address address{};
};
PROCONSUL_DECLARE_TYPE(Endpoint)

struct LbEndpoint {
  xds::Endpoint endpoint{};
  std::int32_t health_status{};
  base::Pointer<Number> load_balancing_weight{};
};
PROCONSUL_DECLARE_TYPE(LbEndpoint)

struct LocalityLbEndpoints {
  base::List<LbEndpoint> lb_endpoints{};
};
PROCONSUL_DECLARE_TYPE(LocalityLbEndpoints)

struct ClusterLoadAssignment {
  std::string cluster_name{};
  base::List<LocalityLbEndpoints> endpoints{};
};
PROCONSUL_DECLARE_TYPE(ClusterLoadAssignment)

// ---- envoy.config.cluster.v3 ----

inline constexpr std::int32_t kStrictDns = 1, kLogicalDns = 2, kEds = 3;  // Cluster.type
inline constexpr std::int32_t kV4Only = 1;                                // Cluster.dns_lookup_family
inline constexpr std::int32_t kLeastRequest = 1, kRandom = 3;             // Cluster.lb_policy; 0: round robin

struct EdsClusterConfig {
  ConfigSource eds_config{};
};
PROCONSUL_DECLARE_TYPE(EdsClusterConfig)

struct Thresholds {
  base::Pointer<Number> max_connections{};
  base::Pointer<Number> max_pending_requests{};
  base::Pointer<Number> max_requests{};
};
PROCONSUL_DECLARE_TYPE(Thresholds)

struct CircuitBreakers {
  base::List<Thresholds> thresholds{};
};
PROCONSUL_DECLARE_TYPE(CircuitBreakers)

struct UpstreamConnectionOptions {
  TcpKeepalive tcp_keepalive{};
};
PROCONSUL_DECLARE_TYPE(UpstreamConnectionOptions)

struct LeastRequestLbConfig {
  base::Pointer<Number> choice_count{};
};
PROCONSUL_DECLARE_TYPE(LeastRequestLbConfig)

struct Cluster {
  std::string name{};
  std::int32_t type{};
  base::Pointer<EdsClusterConfig> eds_cluster_config{};
  base::Duration connect_timeout{};
  std::int32_t lb_policy{};
  base::Pointer<CircuitBreakers> circuit_breakers{};
  base::Pointer<base::Duration> dns_refresh_rate{};
  std::int32_t dns_lookup_family{};
  Nothing outlier_detection{};  // empty: on, by Envoy's own figures
  base::Pointer<UpstreamConnectionOptions> upstream_connection_options{};
  base::Pointer<ClusterLoadAssignment> load_assignment{};
  base::Pointer<LeastRequestLbConfig> least_request_lb_config{};
};
PROCONSUL_DECLARE_TYPE(Cluster)

// ---- envoy.config.accesslog.v3, envoy.extensions.access_loggers ----

struct ResponseFlagFilter {
  base::List<std::string> flags{};
};
PROCONSUL_DECLARE_TYPE(ResponseFlagFilter)

struct AccessLogFilter {
  ResponseFlagFilter response_flag_filter{};
};
PROCONSUL_DECLARE_TYPE(AccessLogFilter)

struct AccessLog {
  std::string name{};
  base::Pointer<AccessLogFilter> filter{};
  Any typed_config{};
};
PROCONSUL_DECLARE_TYPE(AccessLog)

struct FileAccessLog {
  std::string path{};
  SubstitutionFormatString log_format{};
};
PROCONSUL_DECLARE_TYPE(FileAccessLog)

/// StdoutAccessLog, StderrAccessLog.
struct StreamAccessLog {
  SubstitutionFormatString log_format{};
};
PROCONSUL_DECLARE_TYPE(StreamAccessLog)

// ---- envoy.config.listener.v3, envoy.extensions.filters.network.tcp_proxy.v3 ----

struct FilterChainMatch {
  base::List<std::string> server_names{};
};
PROCONSUL_DECLARE_TYPE(FilterChainMatch)

struct Filter {
  std::string name{};
  Any typed_config{};
};
PROCONSUL_DECLARE_TYPE(Filter)

struct ListenerFilter {
  std::string name{};
  Any typed_config{};
};
PROCONSUL_DECLARE_TYPE(ListenerFilter)

struct FilterChain {
  base::Pointer<FilterChainMatch> filter_chain_match{};
  base::List<Filter> filters{};
};
PROCONSUL_DECLARE_TYPE(FilterChain)

struct TcpProxy {
  std::string stat_prefix{};
  base::Pointer<std::string> cluster{};  // always there; empty: another filter has named it
  base::List<AccessLog> access_log{};
};
PROCONSUL_DECLARE_TYPE(TcpProxy)

struct Listener {
  std::string name{};
  xds::Address address{};
  base::List<FilterChain> filter_chains{};
  base::List<ListenerFilter> listener_filters{};
  base::List<AccessLog> access_log{};
};
PROCONSUL_DECLARE_TYPE(Listener)

/// All of the above.
const base::pb::Schema& schema();

/// "type.googleapis.com/" and the whole name of a message in front of its bytes.
template <class T>
Any any_of(std::string_view name, const T& message) {
  Any any;
  any.type_url = "type.googleapis.com/" + std::string(name);
  schema().append(any.value, message);
  any.value.present = true;
  return any;
}

}  // namespace proconsul::agent::xds
