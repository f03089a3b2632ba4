// Routes of API gateways (http-route, tcp-route), and the status that controllers give what they look after.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "base/type.h"
#include "catalog/types/config_entry.h"

namespace proconsul::catalog {

/// Another entry, or with SectionName a listener of it.
struct ResourceReference {
  std::string Kind{};
  std::string Name{};
  std::string SectionName{};
};
PROCONSUL_DECLARE_TYPE(ResourceReference)

/// What a controller found out about an entry, or about one thing that it refers to.
struct EntryCondition {
  std::string Type{};
  std::string Status{};
  std::string Reason{};
  std::string Message{};
  base::Pointer<ResourceReference> Resource{};
  base::Pointer<base::Time> LastTransitionTime{};
};
PROCONSUL_DECLARE_TYPE(EntryCondition)

struct EntryStatus {
  base::List<EntryCondition> Conditions{};
};
PROCONSUL_DECLARE_TYPE(EntryStatus)

struct HTTPHeaderMatch {
  std::string Match{};
  std::string Name{};
  std::string Value{};
};
PROCONSUL_DECLARE_TYPE(HTTPHeaderMatch)

struct HTTPPathMatch {
  std::string Match{};
  std::string Value{};
};
PROCONSUL_DECLARE_TYPE(HTTPPathMatch)

struct HTTPQueryMatch {
  std::string Match{};
  std::string Name{};
  std::string Value{};
};
PROCONSUL_DECLARE_TYPE(HTTPQueryMatch)

struct HTTPMatch {
  base::List<HTTPHeaderMatch> Headers{};
  std::string Method{};
  HTTPPathMatch Path{};
  base::List<HTTPQueryMatch> Query{};
};
PROCONSUL_DECLARE_TYPE(HTTPMatch)

struct HTTPHeaderFilter {
  base::Map<std::string> Add{};
  base::List<std::string> Remove{};
  base::Map<std::string> Set{};
};
PROCONSUL_DECLARE_TYPE(HTTPHeaderFilter)

struct URLRewrite {
  std::string Path{};
};
PROCONSUL_DECLARE_TYPE(URLRewrite)

struct RetryFilter {
  std::uint32_t NumRetries{};
  base::List<std::string> RetryOn{};
  base::List<std::uint32_t> RetryOnStatusCodes{};
  bool RetryOnConnectFailure{};
};
PROCONSUL_DECLARE_TYPE(RetryFilter)

struct TimeoutFilter {
  base::Duration RequestTimeout{};
  base::Duration IdleTimeout{};
};
PROCONSUL_DECLARE_TYPE(TimeoutFilter)

struct JWTFilter {};
PROCONSUL_DECLARE_TYPE(JWTFilter)

struct HTTPFilters {
  base::List<HTTPHeaderFilter> Headers{};
  base::Pointer<catalog::URLRewrite> URLRewrite{};
  base::Pointer<catalog::RetryFilter> RetryFilter{};
  base::Pointer<catalog::TimeoutFilter> TimeoutFilter{};
  base::Pointer<JWTFilter> JWT{};
};
PROCONSUL_DECLARE_TYPE(HTTPFilters)

struct HTTPResponseFilters {
  base::List<HTTPHeaderFilter> Headers{};
};
PROCONSUL_DECLARE_TYPE(HTTPResponseFilters)

struct HTTPService {
  std::string Name{};
  base::Int Weight{};
  HTTPFilters Filters{};
  HTTPResponseFilters ResponseFilters{};
};
PROCONSUL_DECLARE_TYPE(HTTPService)

struct HTTPRouteRule {
  HTTPFilters Filters{};
  HTTPResponseFilters ResponseFilters{};
  base::List<HTTPMatch> Matches{};
  base::List<HTTPService> Services{};
};
PROCONSUL_DECLARE_TYPE(HTTPRouteRule)

/// http-route.
struct HTTPRouteConfigEntry : ConfigEntry {
  base::List<ResourceReference> Parents{};
  base::List<HTTPRouteRule> Rules{};
  base::List<std::string> Hostnames{};
  EntryStatus Status{};
};
PROCONSUL_DECLARE_TYPE(HTTPRouteConfigEntry)

struct TCPService {
  std::string Name{};
};
PROCONSUL_DECLARE_TYPE(TCPService)

/// tcp-route.
struct TCPRouteConfigEntry : ConfigEntry {
  base::List<ResourceReference> Parents{};
  base::List<TCPService> Services{};
  EntryStatus Status{};
};
PROCONSUL_DECLARE_TYPE(TCPRouteConfigEntry)

}  // namespace proconsul::catalog
