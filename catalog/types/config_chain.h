// What a discovery chain is made of: service-router, service-splitter and service-resolver.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "base/type.h"
#include "catalog/types/config_services.h"

namespace proconsul::catalog {

struct ServiceRouteHTTPMatchHeader {
  std::string Name{};
  bool Present{};
  std::string Exact{};
  std::string Prefix{};
  std::string Suffix{};
  std::string Regex{};
  bool Invert{};
};
PROCONSUL_DECLARE_TYPE(ServiceRouteHTTPMatchHeader)

struct ServiceRouteHTTPMatchQueryParam {
  std::string Name{};
  bool Present{};
  std::string Exact{};
  std::string Regex{};
};
PROCONSUL_DECLARE_TYPE(ServiceRouteHTTPMatchQueryParam)

struct ServiceRouteHTTPMatch {
  std::string PathExact{};
  std::string PathPrefix{};
  std::string PathRegex{};
  bool CaseInsensitive{};
  base::List<ServiceRouteHTTPMatchHeader> Header{};
  base::List<ServiceRouteHTTPMatchQueryParam> QueryParam{};
  base::List<std::string> Methods{};
};
PROCONSUL_DECLARE_TYPE(ServiceRouteHTTPMatch)

struct ServiceRouteMatch {
  base::Pointer<ServiceRouteHTTPMatch> HTTP{};
};
PROCONSUL_DECLARE_TYPE(ServiceRouteMatch)

struct ServiceRouteDestination {
  std::string Service{};
  std::string ServiceSubset{};
  std::string Namespace{};
  std::string Partition{};
  std::string PrefixRewrite{};
  base::Duration RequestTimeout{};
  base::Duration IdleTimeout{};
  std::uint32_t NumRetries{};
  bool RetryOnConnectFailure{};
  base::List<std::string> RetryOn{};
  base::List<std::uint32_t> RetryOnStatusCodes{};
  base::Pointer<HTTPHeaderModifiers> RequestHeaders{};
  base::Pointer<HTTPHeaderModifiers> ResponseHeaders{};
};
PROCONSUL_DECLARE_TYPE(ServiceRouteDestination)

struct ServiceRoute {
  base::Pointer<ServiceRouteMatch> Match{};
  base::Pointer<ServiceRouteDestination> Destination{};
};
PROCONSUL_DECLARE_TYPE(ServiceRoute)

/// service-router: which requests to a service go where.
struct ServiceRouterConfigEntry : ConfigEntry {
  base::List<ServiceRoute> Routes{};
};
PROCONSUL_DECLARE_TYPE(ServiceRouterConfigEntry)

/// Where a share of the requests goes.
struct ServiceSplit {
  float Weight{};  // percent
  std::string Service{};
  std::string ServiceSubset{};
  std::string Namespace{};
  std::string Partition{};
  base::Pointer<HTTPHeaderModifiers> RequestHeaders{};
  base::Pointer<HTTPHeaderModifiers> ResponseHeaders{};
};
PROCONSUL_DECLARE_TYPE(ServiceSplit)

/// service-splitter: how requests are shared out.
struct ServiceSplitterConfigEntry : ConfigEntry {
  base::List<ServiceSplit> Splits{};
};
PROCONSUL_DECLARE_TYPE(ServiceSplitterConfigEntry)

struct ServiceResolverSubset {
  std::string Filter{};
  bool OnlyPassing{};
};
PROCONSUL_DECLARE_TYPE(ServiceResolverSubset)

struct ServiceResolverRedirect {
  std::string Service{};
  std::string ServiceSubset{};
  std::string Namespace{};
  std::string Partition{};
  std::string Datacenter{};
  std::string Peer{};
  std::string SamenessGroup{};
};
PROCONSUL_DECLARE_TYPE(ServiceResolverRedirect)

struct ServiceResolverFailoverTarget {
  std::string Service{};
  std::string ServiceSubset{};
  std::string Partition{};
  std::string Namespace{};
  std::string Datacenter{};
  std::string Peer{};
};
PROCONSUL_DECLARE_TYPE(ServiceResolverFailoverTarget)

struct ServiceResolverFailover {
  std::string Service{};
  std::string ServiceSubset{};
  std::string Namespace{};
  base::List<std::string> Datacenters{};
  base::List<ServiceResolverFailoverTarget> Targets{};
  base::Pointer<ServiceResolverFailoverPolicy> Policy{};
  std::string SamenessGroup{};
};
PROCONSUL_DECLARE_TYPE(ServiceResolverFailover)

struct RingHashConfig {
  std::uint64_t MinimumRingSize{};
  std::uint64_t MaximumRingSize{};
};
PROCONSUL_DECLARE_TYPE(RingHashConfig)

struct LeastRequestConfig {
  std::uint32_t ChoiceCount{};
};
PROCONSUL_DECLARE_TYPE(LeastRequestConfig)

struct CookieConfig {
  bool Session{};
  base::Duration TTL{};
  std::string Path{};
};
PROCONSUL_DECLARE_TYPE(CookieConfig)

struct HashPolicy {
  std::string Field{};
  std::string FieldValue{};
  base::Pointer<catalog::CookieConfig> CookieConfig{};
  bool SourceIP{};
  bool Terminal{};
};
PROCONSUL_DECLARE_TYPE(HashPolicy)

struct LoadBalancer {
  std::string Policy{};
  base::Pointer<catalog::RingHashConfig> RingHashConfig{};
  base::Pointer<catalog::LeastRequestConfig> LeastRequestConfig{};
  base::List<HashPolicy> HashPolicies{};
};
PROCONSUL_DECLARE_TYPE(LoadBalancer)

/// service-resolver: which instances answer, and who answers in their place.
struct ServiceResolverConfigEntry : ConfigEntry {
  std::string DefaultSubset{};
  base::Map<ServiceResolverSubset> Subsets{};
  base::Pointer<ServiceResolverRedirect> Redirect{};
  base::Map<ServiceResolverFailover> Failover{};
  base::Pointer<ServiceResolverPrioritizeByLocality> PrioritizeByLocality{};
  base::Duration ConnectTimeout{};
  base::Duration RequestTimeout{};
  base::Pointer<catalog::LoadBalancer> LoadBalancer{};
};
PROCONSUL_DECLARE_TYPE(ServiceResolverConfigEntry)

}  // namespace proconsul::catalog
