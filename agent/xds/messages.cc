#include "agent/xds/messages.h"

#include "base/type_of.h"

namespace proconsul::agent::xds {

PROCONSUL_DESCRIBE_TYPE(Any, "google.protobuf.Any") {
  type.field("type_url", &Any::type_url);
  type.field("value", &Any::value);
}

PROCONSUL_DESCRIBE_TYPE(Number, "google.protobuf.UInt32Value") {
  type.field("value", &Number::value);
}

PROCONSUL_DESCRIBE_TYPE(Nothing, "") {
  (void)type;
}

PROCONSUL_DESCRIBE_TYPE(RpcStatus, "google.rpc.Status") {
  type.field("code", &RpcStatus::code);
  type.field("message", &RpcStatus::message);
}

PROCONSUL_DESCRIBE_TYPE(SemanticVersion, "envoy.type.v3.SemanticVersion") {
  type.field("major_number", &SemanticVersion::major_number);
  type.field("minor_number", &SemanticVersion::minor_number);
  type.field("patch", &SemanticVersion::patch);
}

PROCONSUL_DESCRIBE_TYPE(BuildVersion, "envoy.config.core.v3.BuildVersion") {
  type.field("version", &BuildVersion::version);
}

PROCONSUL_DESCRIBE_TYPE(Node, "envoy.config.core.v3.Node") {
  type.field("id", &Node::id);
  type.field("cluster", &Node::cluster);
  type.field("metadata", &Node::metadata);
  type.field("user_agent_name", &Node::user_agent_name);
  type.field("user_agent_build_version", &Node::user_agent_build_version);
}

PROCONSUL_DESCRIBE_TYPE(DeltaDiscoveryRequest, "envoy.service.discovery.v3.DeltaDiscoveryRequest") {
  type.field("node", &DeltaDiscoveryRequest::node);
  type.field("type_url", &DeltaDiscoveryRequest::type_url);
  type.field("resource_names_subscribe", &DeltaDiscoveryRequest::resource_names_subscribe);
  type.field("resource_names_unsubscribe", &DeltaDiscoveryRequest::resource_names_unsubscribe);
  type.field("initial_resource_versions", &DeltaDiscoveryRequest::initial_resource_versions);
  type.field("response_nonce", &DeltaDiscoveryRequest::response_nonce);
  type.field("error_detail", &DeltaDiscoveryRequest::error_detail);
}

PROCONSUL_DESCRIBE_TYPE(DiscoveredResource, "envoy.service.discovery.v3.Resource") {
  type.field("version", &DiscoveredResource::version);
  type.field("resource", &DiscoveredResource::resource);
  type.field("name", &DiscoveredResource::name);
}

PROCONSUL_DESCRIBE_TYPE(DeltaDiscoveryResponse, "envoy.service.discovery.v3.DeltaDiscoveryResponse") {
  type.field("resources", &DeltaDiscoveryResponse::resources);
  type.field("type_url", &DeltaDiscoveryResponse::type_url);
  type.field("nonce", &DeltaDiscoveryResponse::nonce);
  type.field("removed_resources", &DeltaDiscoveryResponse::removed_resources);
}

PROCONSUL_DESCRIBE_TYPE(SocketAddress, "envoy.config.core.v3.SocketAddress") {
  type.field("address", &SocketAddress::address);
  type.field("port_value", &SocketAddress::port_value);
}

PROCONSUL_DESCRIBE_TYPE(Address, "envoy.config.core.v3.Address") {
  type.field("socket_address", &Address::socket_address);
}

PROCONSUL_DESCRIBE_TYPE(ConfigSource, "envoy.config.core.v3.ConfigSource") {
  type.field("ads", &ConfigSource::ads);
  type.field("initial_fetch_timeout", &ConfigSource::initial_fetch_timeout);
  type.field("resource_api_version", &ConfigSource::resource_api_version);
}

PROCONSUL_DESCRIBE_TYPE(TcpKeepalive, "envoy.config.core.v3.TcpKeepalive") {
  type.field("keepalive_probes", &TcpKeepalive::keepalive_probes);
  type.field("keepalive_time", &TcpKeepalive::keepalive_time);
  type.field("keepalive_interval", &TcpKeepalive::keepalive_interval);
}

PROCONSUL_DESCRIBE_TYPE(DataSource, "envoy.config.core.v3.DataSource") {
  type.field("inline_string", &DataSource::inline_string);
}

PROCONSUL_DESCRIBE_TYPE(SubstitutionFormatString, "envoy.config.core.v3.SubstitutionFormatString") {
  type.field("json_format", &SubstitutionFormatString::json_format);
  type.field("text_format_source", &SubstitutionFormatString::text_format_source);
}

PROCONSUL_DESCRIBE_TYPE(Endpoint, "envoy.config.endpoint.v3.Endpoint") {
  type.field("address", &Endpoint::address);
}

PROCONSUL_DESCRIBE_TYPE(LbEndpoint, "envoy.config.endpoint.v3.LbEndpoint") {
  type.field("endpoint", &LbEndpoint::endpoint);
  type.field("health_status", &LbEndpoint::health_status);
  type.field("load_balancing_weight", &LbEndpoint::load_balancing_weight);
}

PROCONSUL_DESCRIBE_TYPE(LocalityLbEndpoints, "envoy.config.endpoint.v3.LocalityLbEndpoints") {
  type.field("lb_endpoints", &LocalityLbEndpoints::lb_endpoints);
}

PROCONSUL_DESCRIBE_TYPE(ClusterLoadAssignment, "envoy.config.endpoint.v3.ClusterLoadAssignment") {
  type.field("cluster_name", &ClusterLoadAssignment::cluster_name);
  type.field("endpoints", &ClusterLoadAssignment::endpoints);
}

PROCONSUL_DESCRIBE_TYPE(EdsClusterConfig, "envoy.config.cluster.v3.Cluster.EdsClusterConfig") {
  type.field("eds_config", &EdsClusterConfig::eds_config);
}

PROCONSUL_DESCRIBE_TYPE(Thresholds, "envoy.config.cluster.v3.CircuitBreakers.Thresholds") {
  type.field("max_connections", &Thresholds::max_connections);
  type.field("max_pending_requests", &Thresholds::max_pending_requests);
  type.field("max_requests", &Thresholds::max_requests);
}

PROCONSUL_DESCRIBE_TYPE(CircuitBreakers, "envoy.config.cluster.v3.CircuitBreakers") {
  type.field("thresholds", &CircuitBreakers::thresholds);
}

PROCONSUL_DESCRIBE_TYPE(UpstreamConnectionOptions, "envoy.config.cluster.v3.UpstreamConnectionOptions") {
  type.field("tcp_keepalive", &UpstreamConnectionOptions::tcp_keepalive);
}

PROCONSUL_DESCRIBE_TYPE(LeastRequestLbConfig, "envoy.config.cluster.v3.Cluster.LeastRequestLbConfig") {
  type.field("choice_count", &LeastRequestLbConfig::choice_count);
}

PROCONSUL_DESCRIBE_TYPE(Cluster, "envoy.config.cluster.v3.Cluster") {
  type.field("name", &Cluster::name);
  type.field("type", &Cluster::type);
  type.field("eds_cluster_config", &Cluster::eds_cluster_config);
  type.field("connect_timeout", &Cluster::connect_timeout);
  type.field("lb_policy", &Cluster::lb_policy);
  type.field("circuit_breakers", &Cluster::circuit_breakers);
  type.field("dns_refresh_rate", &Cluster::dns_refresh_rate);
  type.field("dns_lookup_family", &Cluster::dns_lookup_family);
  type.field("outlier_detection", &Cluster::outlier_detection);
  type.field("upstream_connection_options", &Cluster::upstream_connection_options);
  type.field("load_assignment", &Cluster::load_assignment);
  type.field("least_request_lb_config", &Cluster::least_request_lb_config);
}

PROCONSUL_DESCRIBE_TYPE(ResponseFlagFilter, "envoy.config.accesslog.v3.ResponseFlagFilter") {
  type.field("flags", &ResponseFlagFilter::flags);
}

PROCONSUL_DESCRIBE_TYPE(AccessLogFilter, "envoy.config.accesslog.v3.AccessLogFilter") {
  type.field("response_flag_filter", &AccessLogFilter::response_flag_filter);
}

PROCONSUL_DESCRIBE_TYPE(AccessLog, "envoy.config.accesslog.v3.AccessLog") {
  type.field("name", &AccessLog::name);
  type.field("filter", &AccessLog::filter);
  type.field("typed_config", &AccessLog::typed_config);
}

PROCONSUL_DESCRIBE_TYPE(FileAccessLog, "envoy.extensions.access_loggers.file.v3.FileAccessLog") {
  type.field("path", &FileAccessLog::path);
  type.field("log_format", &FileAccessLog::log_format);
}

PROCONSUL_DESCRIBE_TYPE(StreamAccessLog, "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog") {
  type.field("log_format", &StreamAccessLog::log_format);
}

PROCONSUL_DESCRIBE_TYPE(FilterChainMatch, "envoy.config.listener.v3.FilterChainMatch") {
  type.field("server_names", &FilterChainMatch::server_names);
}

PROCONSUL_DESCRIBE_TYPE(Filter, "envoy.config.listener.v3.Filter") {
  type.field("name", &Filter::name);
  type.field("typed_config", &Filter::typed_config);
}

PROCONSUL_DESCRIBE_TYPE(ListenerFilter, "envoy.config.listener.v3.ListenerFilter") {
  type.field("name", &ListenerFilter::name);
  type.field("typed_config", &ListenerFilter::typed_config);
}

PROCONSUL_DESCRIBE_TYPE(FilterChain, "envoy.config.listener.v3.FilterChain") {
  type.field("filter_chain_match", &FilterChain::filter_chain_match);
  type.field("filters", &FilterChain::filters);
}

PROCONSUL_DESCRIBE_TYPE(TcpProxy, "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy") {
  type.field("stat_prefix", &TcpProxy::stat_prefix);
  type.field("cluster", &TcpProxy::cluster);
  type.field("access_log", &TcpProxy::access_log);
}

PROCONSUL_DESCRIBE_TYPE(Listener, "envoy.config.listener.v3.Listener") {
  type.field("name", &Listener::name);
  type.field("address", &Listener::address);
  type.field("filter_chains", &Listener::filter_chains);
  type.field("listener_filters", &Listener::listener_filters);
  type.field("access_log", &Listener::access_log);
}

namespace {

using base::pb::Row;

constexpr Row kAny[] = {{1, "type_url"}, {2, "value"}};
constexpr Row kNumber[] = {{1, "value"}};
constexpr Row kRpcStatus[] = {{1, "code"}, {2, "message"}};
constexpr Row kSemanticVersion[] = {{1, "major_number"}, {2, "minor_number"}, {3, "patch"}};
constexpr Row kBuildVersion[] = {{1, "version"}};
constexpr Row kNode[] = {
    {1, "id"}, {2, "cluster"}, {3, "metadata"}, {6, "user_agent_name"}, {8, "user_agent_build_version"}};
constexpr Row kDeltaDiscoveryRequest[] = {{1, "node"},
                                          {2, "type_url"},
                                          {3, "resource_names_subscribe"},
                                          {4, "resource_names_unsubscribe"},
                                          {5, "initial_resource_versions"},
                                          {6, "response_nonce"},
                                          {7, "error_detail"}};
constexpr Row kDiscoveredResource[] = {{1, "version"}, {2, "resource"}, {3, "name"}};
constexpr Row kDeltaDiscoveryResponse[] = {{2, "resources"}, {4, "type_url"}, {5, "nonce"}, {6, "removed_resources"}};
constexpr Row kSocketAddress[] = {{2, "address"}, {3, "port_value"}};
constexpr Row kAddress[] = {{1, "socket_address"}};
constexpr Row kConfigSource[] = {{3, "ads"}, {4, "initial_fetch_timeout"}, {6, "resource_api_version"}};
constexpr Row kTcpKeepalive[] = {{1, "keepalive_probes"}, {2, "keepalive_time"}, {3, "keepalive_interval"}};
constexpr Row kDataSource[] = {{3, "inline_string"}};
constexpr Row kSubstitutionFormatString[] = {{2, "json_format"}, {5, "text_format_source"}};
constexpr Row kEndpoint[] = {{1, "address"}};
constexpr Row kLbEndpoint[] = {{1, "endpoint"}, {2, "health_status"}, {4, "load_balancing_weight"}};
constexpr Row kLocalityLbEndpoints[] = {{2, "lb_endpoints"}};
constexpr Row kClusterLoadAssignment[] = {{1, "cluster_name"}, {2, "endpoints"}};
constexpr Row kEdsClusterConfig[] = {{1, "eds_config"}};
constexpr Row kThresholds[] = {{2, "max_connections"}, {3, "max_pending_requests"}, {4, "max_requests"}};
constexpr Row kCircuitBreakers[] = {{1, "thresholds"}};
constexpr Row kUpstreamConnectionOptions[] = {{1, "tcp_keepalive"}};
constexpr Row kLeastRequestLbConfig[] = {{1, "choice_count"}};
constexpr Row kCluster[] = {{1, "name"},
                            {2, "type"},
                            {3, "eds_cluster_config"},
                            {4, "connect_timeout"},
                            {6, "lb_policy"},
                            {10, "circuit_breakers"},
                            {16, "dns_refresh_rate"},
                            {17, "dns_lookup_family"},
                            {19, "outlier_detection"},
                            {30, "upstream_connection_options"},
                            {33, "load_assignment"},
                            {37, "least_request_lb_config"}};
constexpr Row kResponseFlagFilter[] = {{1, "flags"}};
constexpr Row kAccessLogFilter[] = {{9, "response_flag_filter"}};
constexpr Row kAccessLog[] = {{1, "name"}, {2, "filter"}, {4, "typed_config"}};
constexpr Row kFileAccessLog[] = {{1, "path"}, {5, "log_format"}};
constexpr Row kStreamAccessLog[] = {{1, "log_format"}};
constexpr Row kFilterChainMatch[] = {{11, "server_names"}};
constexpr Row kFilter[] = {{1, "name"}, {4, "typed_config"}};
constexpr Row kListenerFilter[] = {{1, "name"}, {3, "typed_config"}};
constexpr Row kFilterChain[] = {{1, "filter_chain_match"}, {3, "filters"}};
constexpr Row kTcpProxy[] = {{1, "stat_prefix"}, {2, "cluster"}, {5, "access_log"}};
constexpr Row kListener[] = {
    {1, "name"}, {2, "address"}, {3, "filter_chains"}, {9, "listener_filters"}, {22, "access_log"}};

}  // namespace

const base::pb::Schema& schema() {
  static const base::pb::Schema& filled = [] -> const base::pb::Schema& {
    auto* made = new base::pb::Schema;  // never destroyed
    made->add<Any>(kAny);
    made->add<Number>(kNumber);
    made->add<Nothing>({});
    made->add<RpcStatus>(kRpcStatus);
    made->add<SemanticVersion>(kSemanticVersion);
    made->add<BuildVersion>(kBuildVersion);
    made->add<Node>(kNode);
    made->add<DeltaDiscoveryRequest>(kDeltaDiscoveryRequest);
    made->add<DiscoveredResource>(kDiscoveredResource);
    made->add<DeltaDiscoveryResponse>(kDeltaDiscoveryResponse);
    made->add<SocketAddress>(kSocketAddress);
    made->add<Address>(kAddress);
    made->add<ConfigSource>(kConfigSource);
    made->add<TcpKeepalive>(kTcpKeepalive);
    made->add<DataSource>(kDataSource);
    made->add<SubstitutionFormatString>(kSubstitutionFormatString);
    made->add<Endpoint>(kEndpoint);
    made->add<LbEndpoint>(kLbEndpoint);
    made->add<LocalityLbEndpoints>(kLocalityLbEndpoints);
    made->add<ClusterLoadAssignment>(kClusterLoadAssignment);
    made->add<EdsClusterConfig>(kEdsClusterConfig);
    made->add<Thresholds>(kThresholds);
    made->add<CircuitBreakers>(kCircuitBreakers);
    made->add<UpstreamConnectionOptions>(kUpstreamConnectionOptions);
    made->add<LeastRequestLbConfig>(kLeastRequestLbConfig);
    made->add<Cluster>(kCluster);
    made->add<ResponseFlagFilter>(kResponseFlagFilter);
    made->add<AccessLogFilter>(kAccessLogFilter);
    made->add<AccessLog>(kAccessLog);
    made->add<FileAccessLog>(kFileAccessLog);
    made->add<StreamAccessLog>(kStreamAccessLog);
    made->add<FilterChainMatch>(kFilterChainMatch);
    made->add<Filter>(kFilter);
    made->add<ListenerFilter>(kListenerFilter);
    made->add<FilterChain>(kFilterChain);
    made->add<TcpProxy>(kTcpProxy);
    made->add<Listener>(kListener);
    made->link();
    return *made;
  }();
  return filled;
}

}  // namespace proconsul::agent::xds
