// service-router, service-splitter, service-resolver.
#include <cmath>
#include <cstdio>
#include <set>
#include <tuple>

#include "base/filter/expression.h"
#include "base/quote.h"
#include "catalog/config_entry/rules.h"
#include "catalog/types/config_chain.h"

namespace proconsul::catalog::rules {

using base::quote;
using base::Result;

namespace {

int count(std::initializer_list<bool> values) {
  int set = 0;
  for (const bool value : values) set += value ? 1 : 0;
  return set;
}

// ---- service-router ----

Result<> check_match(const ServiceRouteHTTPMatch& match, const std::string& route) {
  if (!match.PathExact.empty() && !match.PathExact.starts_with('/')) {
    return wrong(route + " PathExact doesn't start with '/': " + quote(match.PathExact));
  }
  if (!match.PathPrefix.empty() && !match.PathPrefix.starts_with('/')) {
    return wrong(route + " PathPrefix doesn't start with '/': " + quote(match.PathPrefix));
  }
  if (count({!match.PathExact.empty(), !match.PathPrefix.empty(), !match.PathRegex.empty()}) > 1) {
    return wrong(route + " should only contain at most one of PathExact, PathPrefix, or PathRegex");
  }
  for (std::size_t i = 0; i < match.Header.size(); ++i) {
    const ServiceRouteHTTPMatchHeader& header = match.Header[i];
    const std::string where = route + " " + indexed("Header", i);
    if (header.Name.empty()) return wrong(where + " missing required Name field");
    if (count({header.Present, !header.Exact.empty(), !header.Regex.empty(), !header.Prefix.empty(),
               !header.Suffix.empty()}) != 1) {
      return wrong(where + " should only contain one of Present, Exact, Prefix, Suffix, or Regex");
    }
  }
  for (std::size_t i = 0; i < match.QueryParam.size(); ++i) {
    const ServiceRouteHTTPMatchQueryParam& param = match.QueryParam[i];
    const std::string where = route + " " + indexed("QueryParam", i);
    if (param.Name.empty()) return wrong(where + " missing required Name field");
    if (count({param.Present, !param.Exact.empty(), !param.Regex.empty()}) != 1) {
      return wrong(where + " should only contain one of Present, Exact, or Regex");
    }
  }
  return check_methods(match.Methods, route + " ");
}

bool is_retry_condition(std::string_view word) {
  static const std::set<std::string_view> kWords = {"5xx",
                                                    "gateway-error",
                                                    "reset",
                                                    "connect-failure",
                                                    "envoy-ratelimited",
                                                    "retriable-4xx",
                                                    "refused-stream",
                                                    "cancelled",
                                                    "deadline-exceeded",
                                                    "internal",
                                                    "resource-exhausted",
                                                    "unavailable"};
  return kWords.contains(word);
}

// ---- service-splitter ----

/// In hundredths of a percent.
long scaled(float weight) {
  return std::lround(static_cast<double>(weight * 100.0F));
}

// ---- service-resolver ----

bool is_subset_name(const std::string& name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (!plain(name.front()) || !plain(name.back())) return false;
  for (const char c : name) {
    if (!plain(c) && c != '-') return false;
  }
  return true;
}

Result<> check_subsets(const ServiceResolverConfigEntry& entry) {
  for (const auto& [name, subset] : entry.Subsets) {
    if (name.empty()) return wrong("Subset defined with empty name");
    const std::string invalid = "Subset " + quote(name) + " is invalid: ";
    if (name.size() > 63) return wrong(invalid + "must be non-empty and 63 characters or fewer");
    if (!is_subset_name(name)) {
      return wrong(invalid +
                   "must be 63 characters or fewer, begin or end with lower case alphanumeric characters, and contain "
                   "lower case alphanumeric characters or '-' in between");
    }
    if (subset.Filter.empty()) continue;
    if (auto parsed = base::filter::parse(subset.Filter); !parsed) {
      return wrong("Filter for subset " + quote(name) + " is not a valid expression: " + parsed.error().detail);
    }
  }
  if (!entry.DefaultSubset.empty() && !entry.Subsets.contains(entry.DefaultSubset)) {
    return wrong("DefaultSubset " + quote(entry.DefaultSubset) + " is not a valid subset");
  }
  return {};
}

Result<> check_redirect(const ServiceResolverConfigEntry& entry) {
  const ServiceResolverRedirect& to = *entry.Redirect;
  const bool elsewhere = !to.Partition.empty() && to.Partition != "default";
  if (elsewhere && !to.Datacenter.empty()) {
    return wrong("Cross-datacenter and cross-partition redirect is not supported");
  }
  if (!to.Partition.empty()) return wrong("Redirect: Setting Partition requires Consul Enterprise");
  if (!to.Namespace.empty()) return wrong("Redirect: Setting Namespace requires Consul Enterprise");
  if (!to.SamenessGroup.empty()) return wrong("Redirect: Setting SamenessGroup requires Consul Enterprise");
  if (!entry.Failover.empty()) return wrong("Redirect and Failover cannot both be set");
  if (to.Service.empty() && to.ServiceSubset.empty() && to.Datacenter.empty() && to.Peer.empty()) {
    return wrong("Redirect is empty");
  }
  if (!to.Peer.empty() && !to.ServiceSubset.empty()) {
    return wrong("Redirect.Peer cannot be set with Redirect.ServiceSubset");
  }
  if (!to.Peer.empty() && !to.Datacenter.empty()) {
    return wrong("Redirect.Peer cannot be set with Redirect.Datacenter");
  }
  if (to.Service.empty()) {
    if (!to.ServiceSubset.empty()) return wrong("Redirect.ServiceSubset defined without Redirect.Service");
    if (!to.Peer.empty()) return wrong("Redirect.Peer defined without Redirect.Service");
  } else if (!to.ServiceSubset.empty() && to.Service == entry.Name && !entry.Subsets.contains(to.ServiceSubset)) {
    return wrong("Redirect.ServiceSubset " + quote(to.ServiceSubset) + " is not a valid subset of " +
                 quote(entry.Name));
  }
  return {};
}

Result<> check_target(const ServiceResolverConfigEntry& entry, const ServiceResolverFailoverTarget& target,
                      const std::string& where) {
  if (!target.Partition.empty()) return wrong(where + "Setting Partition requires Consul Enterprise");
  if (!target.Namespace.empty()) return wrong(where + "Setting Namespace requires Consul Enterprise");
  if (!target.Peer.empty() && !target.ServiceSubset.empty()) {
    return wrong(where + "Peer cannot be set with ServiceSubset");
  }
  if (!target.Peer.empty() && !target.Datacenter.empty()) return wrong(where + "Peer cannot be set with Datacenter");
  const bool own = target.Service.empty() || target.Service == entry.Name;
  if (!target.ServiceSubset.empty() && own && !entry.Subsets.contains(target.ServiceSubset)) {
    return wrong(where + "ServiceSubset " + quote(target.ServiceSubset) + " is not a valid subset of " +
                 quote(entry.Name));
  }
  return {};
}

Result<> check_failover(const ServiceResolverConfigEntry& entry, const std::string& subset,
                        const ServiceResolverFailover& failover) {
  const std::string bad = "Bad Failover[" + quote(subset) + "]";
  const std::string where = bad + ": ";
  if (!failover.Namespace.empty()) return wrong(where + "Setting Namespace requires Consul Enterprise");
  if (!failover.SamenessGroup.empty()) return wrong(where + "Setting SamenessGroup requires Consul Enterprise");
  if (subset != "*" && !entry.Subsets.contains(subset)) return wrong(where + "not a valid subset subset");
  if (failover.Service.empty() && failover.ServiceSubset.empty() && failover.Datacenters.empty() &&
      failover.Targets.empty()) {
    return wrong(where +
                 "one of Service, ServiceSubset, Namespace, Targets, SamenessGroup, or Datacenters is required");
  }
  if (failover.Policy && !failover.Policy->Mode.empty()) {
    return wrong(where + "Setting failover policies requires Consul Enterprise");
  }
  const bool own = failover.Service.empty() || failover.Service == entry.Name;
  if (!failover.ServiceSubset.empty() && own && !entry.Subsets.contains(failover.ServiceSubset)) {
    return wrong(where + "ServiceSubset " + quote(failover.ServiceSubset) + " is not a valid subset of " +
                 quote(failover.Service));
  }
  if (!failover.Targets.empty()) {
    if (!failover.Datacenters.empty()) return wrong(where + "Targets cannot be set with Datacenters");
    if (!failover.ServiceSubset.empty()) return wrong(where + "Targets cannot be set with ServiceSubset");
    if (!failover.Service.empty()) return wrong(where + "Targets cannot be set with Service");
  }
  for (std::size_t i = 0; i < failover.Targets.size(); ++i) {
    const std::string at = bad + "." + indexed("Targets", i) + ": ";
    if (Result<> checked = check_target(entry, failover.Targets[i], at); !checked) return checked;
  }
  for (const std::string& datacenter : failover.Datacenters) {
    if (datacenter.empty()) return wrong(bad + ".Datacenters: found empty datacenter");
  }
  return {};
}

Result<> check_hash_policy(const HashPolicy& policy, std::size_t index) {
  const std::string bad = "Bad LoadBalancer " + indexed("HashPolicy", index) + ": ";
  const std::string field = quote(policy.Field);
  const bool known =
      policy.Field.empty() || policy.Field == "header" || policy.Field == "cookie" || policy.Field == "query_parameter";
  if (!known) return wrong(bad + field + " is not a supported field");
  if (policy.SourceIP && !policy.Field.empty()) {
    return wrong(bad + "A single hash policy cannot hash both a source address and a " + field);
  }
  if (policy.SourceIP && !policy.FieldValue.empty()) {
    return wrong(bad + "A FieldValue cannot be specified when hashing SourceIP");
  }
  if (!policy.Field.empty() && policy.FieldValue.empty()) {
    return wrong(bad + "Field " + field + " was specified without a FieldValue");
  }
  if (!policy.FieldValue.empty() && policy.Field.empty()) {
    return wrong(bad + "FieldValue requires a Field to apply to");
  }
  if (!policy.CookieConfig) return {};
  if (policy.Field != "cookie") return wrong(bad + "cookie_config provided for " + field);
  if (policy.CookieConfig->Session && policy.CookieConfig->TTL != base::Duration{}) {
    return wrong(bad + "a session cookie cannot have an associated TTL");
  }
  return {};
}

Result<> check_load_balancer(const LoadBalancer& balancer) {
  static const std::set<std::string_view> kPolicies = {"",          "random", "round_robin", "least_request",
                                                       "ring_hash", "maglev"};
  const std::string policy = quote(balancer.Policy);
  if (!kPolicies.contains(balancer.Policy)) return wrong("Bad LoadBalancer policy: " + policy + " is not supported");
  const std::string incompatible = " specified for incompatible load balancing policy " + policy;
  if (balancer.Policy != "ring_hash" && balancer.RingHashConfig) {
    return wrong("Bad LoadBalancer configuration. RingHashConfig" + incompatible);
  }
  if (balancer.Policy != "least_request" && balancer.LeastRequestConfig) {
    return wrong("Bad LoadBalancer configuration. LeastRequestConfig" + incompatible);
  }
  const bool hashes = balancer.Policy == "ring_hash" || balancer.Policy == "maglev";
  if (!hashes && !balancer.HashPolicies.empty()) {
    return wrong("Bad LoadBalancer configuration: HashPolicies specified for non-hash-based Policy: " + policy);
  }
  for (std::size_t i = 0; i < balancer.HashPolicies.size(); ++i) {
    if (Result<> checked = check_hash_policy(balancer.HashPolicies[i], i); !checked) return checked;
  }
  return {};
}

}  // namespace

Result<> check(const ServiceRouterConfigEntry& entry) {
  if (entry.Name.empty()) return wrong("Name is required");
  if (Result<> checked = check_meta(entry.Meta); !checked) return checked;
  for (std::size_t i = 0; i < entry.Routes.size(); ++i) {
    const ServiceRoute& route = entry.Routes[i];
    const std::string where = indexed("Route", i);
    bool has_path = false;
    if (route.Match && route.Match->HTTP) {
      const ServiceRouteHTTPMatch& match = *route.Match->HTTP;
      if (Result<> checked = check_match(match, where); !checked) return checked;
      has_path = !match.PathExact.empty() || !match.PathPrefix.empty();
    }
    if (!route.Destination) continue;
    if (!route.Destination->PrefixRewrite.empty() && !has_path) {
      return wrong(where + " cannot make use of PrefixRewrite without configuring either PathExact or PathPrefix");
    }
    for (const std::string& word : route.Destination->RetryOn) {
      if (!is_retry_condition(word)) return wrong(where + " contains an invalid retry condition: " + quote(word));
    }
  }
  return {};
}

Result<> check(const ServiceSplitterConfigEntry& entry) {
  if (entry.Name.empty()) return wrong("Name is required");
  if (entry.Splits.empty()) return wrong("no splits configured");
  if (Result<> checked = check_meta(entry.Meta); !checked) return checked;
  // What happens to the headers tells splits to one destination apart, as it does for the peer, which compares where
  // they lie.
  std::set<std::tuple<std::string, std::string, std::string, std::string>> seen;
  for (const ServiceSplit& split : entry.Splits) {
    if (split.RequestHeaders || split.ResponseHeaders) continue;
    const std::string& service = split.Service.empty() ? entry.Name : split.Service;
    if (seen.emplace(service, split.ServiceSubset, split.Namespace, split.Partition).second) continue;
    return wrong("split destination occurs more than once: service=" + quote(service) +
                 ", subset=" + quote(split.ServiceSubset) + ", namespace=" + quote(split.Namespace) +
                 ", partition=" + quote(split.Partition));
  }
  long sum = 0;
  for (const ServiceSplit& split : entry.Splits) sum += scaled(split.Weight);
  if (sum == 100L * 100L) return {};
  char text[64];
  std::snprintf(text, sizeof text, "%f", static_cast<double>(static_cast<float>(sum) / 100));
  return wrong(std::string("the sum of all split weights must be 100, not ") + text);
}

Result<> check(const ServiceResolverConfigEntry& entry) {
  if (entry.Name.empty()) return wrong("Name is required");
  if (Result<> checked = check_meta(entry.Meta); !checked) return checked;
  if (Result<> checked = check_subsets(entry); !checked) return checked;
  if (Result<> checked = check_locality(entry.PrioritizeByLocality); !checked) return checked;
  if (entry.Redirect) {
    if (Result<> checked = check_redirect(entry); !checked) return checked;
  }
  for (const auto& [subset, failover] : entry.Failover) {
    if (Result<> checked = check_failover(entry, subset, failover); !checked) return checked;
  }
  if (entry.ConnectTimeout < base::Duration{}) {
    return wrong("Bad ConnectTimeout '" + base::to_string(entry.ConnectTimeout) + "', must be >= 0");
  }
  if (entry.RequestTimeout < base::Duration{}) {
    return wrong("Bad RequestTimeout '" + base::to_string(entry.RequestTimeout) + "', must be >= 0");
  }
  return entry.LoadBalancer ? check_load_balancer(*entry.LoadBalancer) : Result<>{};
}

}  // namespace proconsul::catalog::rules
