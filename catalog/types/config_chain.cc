#include "catalog/types/config_chain.h"

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(ServiceRouteHTTPMatchHeader, "structs.ServiceRouteHTTPMatchHeader") {
  type.field("Name", &ServiceRouteHTTPMatchHeader::Name);
  type.field("Present", &ServiceRouteHTTPMatchHeader::Present).omit_empty();
  type.field("Exact", &ServiceRouteHTTPMatchHeader::Exact).omit_empty();
  type.field("Prefix", &ServiceRouteHTTPMatchHeader::Prefix).omit_empty();
  type.field("Suffix", &ServiceRouteHTTPMatchHeader::Suffix).omit_empty();
  type.field("Regex", &ServiceRouteHTTPMatchHeader::Regex).omit_empty();
  type.field("Invert", &ServiceRouteHTTPMatchHeader::Invert).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(ServiceRouteHTTPMatchQueryParam, "structs.ServiceRouteHTTPMatchQueryParam") {
  type.field("Name", &ServiceRouteHTTPMatchQueryParam::Name);
  type.field("Present", &ServiceRouteHTTPMatchQueryParam::Present).omit_empty();
  type.field("Exact", &ServiceRouteHTTPMatchQueryParam::Exact).omit_empty();
  type.field("Regex", &ServiceRouteHTTPMatchQueryParam::Regex).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(ServiceRouteHTTPMatch, "structs.ServiceRouteHTTPMatch") {
  type.field("PathExact", &ServiceRouteHTTPMatch::PathExact).omit_empty().alias("path_exact");
  type.field("PathPrefix", &ServiceRouteHTTPMatch::PathPrefix).omit_empty().alias("path_prefix");
  type.field("PathRegex", &ServiceRouteHTTPMatch::PathRegex).omit_empty().alias("path_regex");
  type.field("CaseInsensitive", &ServiceRouteHTTPMatch::CaseInsensitive).omit_empty().alias("case_insensitive");
  type.field("Header", &ServiceRouteHTTPMatch::Header).omit_empty();
  type.field("QueryParam", &ServiceRouteHTTPMatch::QueryParam).omit_empty().alias("query_param");
  type.field("Methods", &ServiceRouteHTTPMatch::Methods).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(ServiceRouteMatch, "structs.ServiceRouteMatch") {
  type.field("HTTP", &ServiceRouteMatch::HTTP).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(ServiceRouteDestination, "structs.ServiceRouteDestination") {
  type.field("RequestTimeout", &ServiceRouteDestination::RequestTimeout)
      .readable()
      .omit_empty()
      .alias("request_timeout");
  type.field("IdleTimeout", &ServiceRouteDestination::IdleTimeout).readable().omit_empty().alias("idle_timeout");
  type.field("Service", &ServiceRouteDestination::Service).omit_empty();
  type.field("ServiceSubset", &ServiceRouteDestination::ServiceSubset).omit_empty().alias("service_subset");
  type.field("Namespace", &ServiceRouteDestination::Namespace).omit_empty();
  type.field("Partition", &ServiceRouteDestination::Partition).omit_empty();
  type.field("PrefixRewrite", &ServiceRouteDestination::PrefixRewrite).omit_empty().alias("prefix_rewrite");
  type.field("NumRetries", &ServiceRouteDestination::NumRetries).omit_empty().alias("num_retries");
  type.field("RetryOnConnectFailure", &ServiceRouteDestination::RetryOnConnectFailure)
      .omit_empty()
      .alias("retry_on_connect_failure");
  type.field("RetryOn", &ServiceRouteDestination::RetryOn).omit_empty().alias("retry_on");
  type.field("RetryOnStatusCodes", &ServiceRouteDestination::RetryOnStatusCodes)
      .omit_empty()
      .alias("retry_on_status_codes");
  type.field("RequestHeaders", &ServiceRouteDestination::RequestHeaders).omit_empty().alias("request_headers");
  type.field("ResponseHeaders", &ServiceRouteDestination::ResponseHeaders).omit_empty().alias("response_headers");
}

PROCONSUL_DESCRIBE_TYPE(ServiceRoute, "structs.ServiceRoute") {
  type.field("Match", &ServiceRoute::Match).omit_empty();
  type.field("Destination", &ServiceRoute::Destination).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(ServiceRouterConfigEntry, "structs.ServiceRouterConfigEntry") {
  type.field("Kind", &ServiceRouterConfigEntry::Kind);
  type.field("Name", &ServiceRouterConfigEntry::Name);
  type.field("Routes", &ServiceRouterConfigEntry::Routes);
  type.field("Meta", &ServiceRouterConfigEntry::Meta).omit_empty();
  type.field("Hash", &ServiceRouterConfigEntry::Hash).omit_empty();
  type.embed<RaftIndex>();
}

PROCONSUL_DESCRIBE_TYPE(ServiceSplit, "structs.ServiceSplit") {
  type.field("Weight", &ServiceSplit::Weight);
  type.field("Service", &ServiceSplit::Service).omit_empty();
  type.field("ServiceSubset", &ServiceSplit::ServiceSubset).omit_empty().alias("service_subset");
  type.field("Namespace", &ServiceSplit::Namespace).omit_empty();
  type.field("Partition", &ServiceSplit::Partition).omit_empty();
  type.field("RequestHeaders", &ServiceSplit::RequestHeaders).omit_empty().alias("request_headers");
  type.field("ResponseHeaders", &ServiceSplit::ResponseHeaders).omit_empty().alias("response_headers");
}

PROCONSUL_DESCRIBE_TYPE(ServiceSplitterConfigEntry, "structs.ServiceSplitterConfigEntry") {
  type.field("Kind", &ServiceSplitterConfigEntry::Kind);
  type.field("Name", &ServiceSplitterConfigEntry::Name);
  type.field("Splits", &ServiceSplitterConfigEntry::Splits);
  type.field("Meta", &ServiceSplitterConfigEntry::Meta).omit_empty();
  type.field("Hash", &ServiceSplitterConfigEntry::Hash).omit_empty();
  type.embed<RaftIndex>();
}

PROCONSUL_DESCRIBE_TYPE(ServiceResolverSubset, "structs.ServiceResolverSubset") {
  type.field("Filter", &ServiceResolverSubset::Filter).omit_empty();
  type.field("OnlyPassing", &ServiceResolverSubset::OnlyPassing).omit_empty().alias("only_passing");
}

PROCONSUL_DESCRIBE_TYPE(ServiceResolverRedirect, "structs.ServiceResolverRedirect") {
  type.field("Service", &ServiceResolverRedirect::Service).omit_empty();
  type.field("ServiceSubset", &ServiceResolverRedirect::ServiceSubset).omit_empty().alias("service_subset");
  type.field("Namespace", &ServiceResolverRedirect::Namespace).omit_empty();
  type.field("Partition", &ServiceResolverRedirect::Partition).omit_empty();
  type.field("Datacenter", &ServiceResolverRedirect::Datacenter).omit_empty();
  type.field("Peer", &ServiceResolverRedirect::Peer).omit_empty();
  type.field("SamenessGroup", &ServiceResolverRedirect::SamenessGroup).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(ServiceResolverFailoverTarget, "structs.ServiceResolverFailoverTarget") {
  type.field("Service", &ServiceResolverFailoverTarget::Service).omit_empty();
  type.field("ServiceSubset", &ServiceResolverFailoverTarget::ServiceSubset).omit_empty().alias("service_subset");
  type.field("Partition", &ServiceResolverFailoverTarget::Partition).omit_empty();
  type.field("Namespace", &ServiceResolverFailoverTarget::Namespace).omit_empty();
  type.field("Datacenter", &ServiceResolverFailoverTarget::Datacenter).omit_empty();
  type.field("Peer", &ServiceResolverFailoverTarget::Peer).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(ServiceResolverFailover, "structs.ServiceResolverFailover") {
  type.field("Service", &ServiceResolverFailover::Service).omit_empty();
  type.field("ServiceSubset", &ServiceResolverFailover::ServiceSubset).omit_empty().alias("service_subset");
  type.field("Namespace", &ServiceResolverFailover::Namespace).omit_empty();
  type.field("Datacenters", &ServiceResolverFailover::Datacenters).omit_empty();
  type.field("Targets", &ServiceResolverFailover::Targets).omit_empty();
  type.field("Policy", &ServiceResolverFailover::Policy).omit_empty();
  type.field("SamenessGroup", &ServiceResolverFailover::SamenessGroup).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(RingHashConfig, "structs.RingHashConfig") {
  type.field("MinimumRingSize", &RingHashConfig::MinimumRingSize).omit_empty().alias("minimum_ring_size");
  type.field("MaximumRingSize", &RingHashConfig::MaximumRingSize).omit_empty().alias("maximum_ring_size");
}

PROCONSUL_DESCRIBE_TYPE(LeastRequestConfig, "structs.LeastRequestConfig") {
  type.field("ChoiceCount", &LeastRequestConfig::ChoiceCount).omit_empty().alias("choice_count");
}

PROCONSUL_DESCRIBE_TYPE(CookieConfig, "structs.CookieConfig") {
  type.field("Session", &CookieConfig::Session).omit_empty();
  type.field("TTL", &CookieConfig::TTL).omit_empty();
  type.field("Path", &CookieConfig::Path).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(HashPolicy, "structs.HashPolicy") {
  type.field("Field", &HashPolicy::Field).omit_empty();
  type.field("FieldValue", &HashPolicy::FieldValue).omit_empty().alias("field_value");
  type.field("CookieConfig", &HashPolicy::CookieConfig).omit_empty().alias("cookie_config");
  type.field("SourceIP", &HashPolicy::SourceIP).omit_empty().alias("source_ip");
  type.field("Terminal", &HashPolicy::Terminal).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(LoadBalancer, "structs.LoadBalancer") {
  type.field("Policy", &LoadBalancer::Policy).omit_empty();
  type.field("RingHashConfig", &LoadBalancer::RingHashConfig).omit_empty().alias("ring_hash_config");
  type.field("LeastRequestConfig", &LoadBalancer::LeastRequestConfig).omit_empty().alias("least_request_config");
  type.field("HashPolicies", &LoadBalancer::HashPolicies).omit_empty().alias("hash_policies");
}

PROCONSUL_DESCRIBE_TYPE(ServiceResolverConfigEntry, "structs.ServiceResolverConfigEntry") {
  type.field("ConnectTimeout", &ServiceResolverConfigEntry::ConnectTimeout)
      .readable()
      .omit_empty()
      .alias("connect_timeout");
  type.field("RequestTimeout", &ServiceResolverConfigEntry::RequestTimeout)
      .readable()
      .omit_empty()
      .alias("request_timeout");
  type.field("Kind", &ServiceResolverConfigEntry::Kind);
  type.field("Name", &ServiceResolverConfigEntry::Name);
  type.field("DefaultSubset", &ServiceResolverConfigEntry::DefaultSubset).omit_empty().alias("default_subset");
  type.field("Subsets", &ServiceResolverConfigEntry::Subsets).omit_empty();
  type.field("Redirect", &ServiceResolverConfigEntry::Redirect).omit_empty();
  type.field("Failover", &ServiceResolverConfigEntry::Failover).omit_empty();
  type.field("PrioritizeByLocality", &ServiceResolverConfigEntry::PrioritizeByLocality)
      .omit_empty()
      .alias("prioritize_by_locality");
  type.field("LoadBalancer", &ServiceResolverConfigEntry::LoadBalancer).omit_empty().alias("load_balancer");
  type.field("Meta", &ServiceResolverConfigEntry::Meta).omit_empty();
  type.field("Hash", &ServiceResolverConfigEntry::Hash).omit_empty();
  type.embed<RaftIndex>();
}

}  // namespace proconsul::catalog
